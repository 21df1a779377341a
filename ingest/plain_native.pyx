# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""
The short way of plain pageviews, compiled: what `ingest/plain_pageviews.py` does for requests whose address, user agent
and arrival are known, without an object for each line and field; and the way of such a beacon from its connection to
the group and back (`ingest/plain_lane.py`, `ingest/spool/group.py`).

It works nothing out by itself. What a new address, user agent or arrival says it asks of that module, by the functions
of the long way; here they are found again, joined and hashed. Whatever is not of the one shape read here gives None,
and goes the way of Python. `tests/ingest/test_plain_native.py` holds both together.

What is remembered is personal: in memory only, bounded, never written.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memchr, memcmp, memcpy

from ingest.spool.full import SpoolFull

cdef extern from "Python.h":
    str PyUnicode_DecodeASCII(const char *start, Py_ssize_t size, const char *errors)

cdef extern from *:
    """
    #include <sys/socket.h>
    #ifndef MSG_NOSIGNAL
    #define MSG_NOSIGNAL 0
    #endif
    """
    Py_ssize_t send(int socket, const void *start, size_t size, int flags)
    int MSG_DONTWAIT, MSG_NOSIGNAL

cdef extern from *:
    """
    #ifndef DAYSALT_SOURCE
    #define DAYSALT_SOURCE ""
    #endif
    """
    const char *DAYSALT_SOURCE

# SHA-256 of the file this was compiled from, as `setup.py` gives it; `ingest/compiled.py` asks.
COMPILED_OF = DAYSALT_SOURCE.decode("ascii")

cdef enum:
    # Bytes; what is longer is rare, and goes another way.
    _REQUEST_MAX = 8192
    _DOMAIN_MAX = 300
    _URL_MAX = 1024
    _REFERRER_MAX = 1024
    _NAME_MAX = 64
    _LENGTH_DIGITS_MAX = 5
    _VERSION_DIGITS_MAX = 9
    # As `EVENTS_MAX` of `ingest/batch_body.py`.
    _EVENTS_MAX = 1000
    # Bytes of an address's part and piece that are kept within it: they seldom take 30.
    _NEAR_MAX = 96
    # As `HOUR_MS` of `ingest/vault/counts.py`.
    _HOUR_MS = 3600000
    # As the patterns of `ingest/scrub.py`.
    _NUMBER_LENGTH = 7
    _TOKEN_LENGTH = 20

# Characters of a field name, in lower case; 0 for whatever is none. Source: RFC 9110 section 5.6.2.
cdef unsigned char TOKEN[256]
# Kinds of characters of a kept path: 1 letter, 2 digit, 3 `-` (of a token and between digits), 4 `_` (of a token),
# 5 `.` or `/` (between digits); 0 for whatever else there is.
cdef unsigned char PATH[256]
# Characters of a host: 1 letter or digit or `-`.
cdef unsigned char HOST[256]


cdef void _fill_tables():
    cdef int code
    for code in range(256):
        TOKEN[code] = 0
        PATH[code] = 0
        HOST[code] = 0
    for code in b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz":
        TOKEN[code] = code
    for code in range(26):
        TOKEN[65 + code] = 97 + code
        PATH[65 + code] = PATH[97 + code] = 1
        HOST[97 + code] = 1
    for code in range(48, 58):
        PATH[code] = 2
        HOST[code] = 1
    HOST[45] = 1
    PATH[45] = 3
    PATH[95] = 4
    PATH[46] = PATH[47] = 5


_fill_tables()

cdef tuple NO_HEADERS = ()
cdef const char *NO_ID = b"\0\0\0\0\0\0\0\0"


cdef struct Span:
    const char *at
    Py_ssize_t size


cdef struct Sent:
    # One event: what it says, each within the bytes it came in, and the parts of its url.
    Span domain, url, referrer, ip, user_agent, host, path, query
    bint has_query


cdef class SiteFields:
    """
    What of a site goes into its records; see `ingest/plain_pieces.py`.
    """

    cdef public object id, rules, keyed
    cdef public bytes part, head
    cdef public long long second, day, salts, salt


cdef class PlainAgent:
    """
    What a user agent says; see `ingest/plain_pieces.py`.
    """

    cdef readonly str text
    cdef readonly bytes part, piece
    # The bytes it was sent as, where they are those of its part, behind a length of two bytes; else the size is -1.
    cdef Span sent

    def __cinit__(self, str text not None, bytes part not None, bytes piece not None):
        self.text, self.part, self.piece = text, part, piece
        self.sent.at, self.sent.size = PyBytes_AS_STRING(part) + 2, PyBytes_GET_SIZE(part) - 2
        if not text.isascii() or len(text) != self.sent.size:
            self.sent.size = -1


cdef class PlainAddress:
    """
    What an address says; see `ingest/plain_pieces.py`.
    """

    cdef readonly bytes packed, part, piece
    # Part and piece again, side by side and close at hand: of twenty thousand addresses none is in a cache.
    cdef const char *joined
    cdef Py_ssize_t part_size, piece_size
    # Who was last seen there: the visitor id of this user agent on this site, and the number of the salt it was hashed
    # under. Most pages have the same visitor as the one before them from the same address.
    cdef PlainAgent agent
    cdef bytes site, domain
    cdef long long salt
    cdef char visitor[8]
    cdef char _near[_NEAR_MAX]
    cdef bytes _far

    def __cinit__(self, bytes packed not None, bytes part not None, bytes piece not None):
        self.packed, self.part, self.piece = packed, part, piece
        self.salt = -1
        self.part_size, self.piece_size = PyBytes_GET_SIZE(part), PyBytes_GET_SIZE(piece)
        if self.part_size + self.piece_size <= _NEAR_MAX:
            append(append(self._near, part), piece)
            self.joined = self._near
        else:
            self._far = part + piece
            self.joined = PyBytes_AS_STRING(self._far)


cdef class Arrival:
    """
    What pages have in common; see `ingest/plain_pieces.py`.
    """

    cdef readonly SiteFields site
    cdef readonly str hostname
    cdef readonly bytes domain, front, back

    def __cinit__(self, SiteFields site not None, str hostname not None, bytes domain not None, bytes front not None,
                 bytes back not None):
        self.site, self.hostname, self.domain, self.front, self.back = site, hostname, domain, front, back


cdef class PlainPage:
    """
    What a body says; see `ingest/plain_pieces.py`.
    """

    cdef readonly SiteFields site
    cdef readonly object beacon
    cdef readonly bytes domain, piece

    def __cinit__(self, SiteFields site not None, beacon, bytes domain not None, bytes piece not None):
        self.site, self.beacon, self.domain, self.piece = site, beacon, domain, piece


cdef class PlainReader:
    """
    The short way of one collector, as far as it is compiled.
    """

    cdef object _plain, _people, _pseudonymizer, _counters, _random_bytes
    cdef object _forwarded, _direct, _agents, _agent_texts, _arrivals, _bodies, _named
    cdef bytes _address_header
    cdef list _first_lines, _rare
    cdef unsigned long long _rare_lengths
    cdef bytes _seeds, _last_piece
    cdef Py_ssize_t _seeds_at
    cdef long long _second
    cdef Py_ssize_t _sightings_max

    def __cinit__(self, plain, people, pseudonymizer, counters, random_bytes, rare, sightings_max):
        """
        Args:
            rare: names of fields, in lower case, that make a request not plain.
            sightings_max: at how many sightings they are handed over.
        """
        self._plain, self._people, self._pseudonymizer, self._counters = plain, people, pseudonymizer, counters
        self._random_bytes = random_bytes
        self._address_header = people.address_header
        self._first_lines = []
        self._rare = list(rare)
        if max(map(len, (*self._rare, self._address_header))) >= _NAME_MAX:
            raise ValueError(f"a field name of {_NAME_MAX} bytes or more is not read here")
        self._rare_lengths = 0
        for name in self._rare:
            self._rare_lengths |= 1 << len(name)
        self._forwarded, self._direct = people.forwarded, people.direct
        self._agents, self._agent_texts = people.agents, people.agent_texts
        self._arrivals, self._bodies, self._named = plain.arrivals, plain.bodies, plain.named
        self._sightings_max = sightings_max
        self._seeds, self._seeds_at = b"", 0
        self._second = -1
        self._last_piece = b""

    def install_first_lines(self, first_lines):
        """
        Take the request lines of beacons, without line ends.
        """
        self._first_lines = [line + b"\r\n" for line in first_lines]

    cpdef request(self, bytes data, str peer, bint trusted, long long now_ms):
        """
        Make the record of one beacon from the bytes of its request, as `PlainPageviews.request` does.
        """
        cdef const char *start = PyBytes_AS_STRING(data)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data), at, length = -1
        cdef Span agent_span, forwarded
        cdef Sent sent
        cdef bytes key, record
        cdef bint is_read
        cdef PlainAddress address
        cdef PlainAgent agent
        agent_span.at = forwarded.at = NULL
        agent_span.size = 0
        if size > _REQUEST_MAX:
            return None
        at = self._head(start, size, &agent_span, &forwarded, &length)
        if at < 0 or length != size - at:
            return None
        is_read = (
            read_event(start, at, size, &sent) == size and sent.ip.at == NULL and sent.user_agent.at == NULL
            and split_url(&sent)
        )
        page = (<dict>self._arrivals.young).get(arrival_key(&sent)) if is_read else None
        if page is None:
            key = PyBytes_FromStringAndSize(start + at, length)
            page = self._find_page(&sent, is_read, self._bodies, key, self._plain.page_of_body)
            if page is None:
                return None
        if trusted and forwarded.at != NULL:
            key = PyBytes_FromStringAndSize(forwarded.at, forwarded.size)
            found = (<dict>self._forwarded.young).get(key)
            if found is None:
                found = self._people.address_forwarded(key)
        else:
            found = (<dict>self._direct.young).get(peer)
            if found is None:
                found = self._people.address(peer)
        if found is None:
            return None
        address = <PlainAddress?>found
        agent = address.agent
        if not is_sent(agent, &agent_span):
            key = PyBytes_FromStringAndSize(agent_span.at, agent_span.size)
            found = (<dict>self._agents.young).get(key)
            if found is None:
                found = self._people.agent(key)
                if found is None:
                    return None
            agent = <PlainAgent?>found
        record = self._make(&sent, page, address, agent, now_ms, data, None)
        if record is not None:
            self._counters.beacon_bytes += length
        return record

    def batch(self, bytes body not None):
        """
        Look at a batch's body; None when it is anything but a list of at most `EVENTS_MAX` plain pageviews.
        """
        cdef PlainEvents events = PlainEvents(self, body)
        return events if events.count > 0 else None

    cdef Py_ssize_t _head(self, const char *start, Py_ssize_t size, Span *agent, Span *forwarded, Py_ssize_t *length):
        """
        Read the head; give where the body begins, or -1.
        """
        cdef const unsigned char *p = <const unsigned char *>start
        cdef Py_ssize_t at = 0, name_at, name_size, value_at, end, number
        cdef char name[_NAME_MAX]
        cdef unsigned char code
        cdef unsigned char odd
        cdef const void *found
        cdef bytes line, rare
        cdef Py_ssize_t address_size = PyBytes_GET_SIZE(self._address_header)
        for line in self._first_lines:
            if size > PyBytes_GET_SIZE(line) and memcmp(start, PyBytes_AS_STRING(line), PyBytes_GET_SIZE(line)) == 0:
                at = PyBytes_GET_SIZE(line)
                break
        else:
            return -1
        while True:
            if at + 2 > size:
                return -1
            if p[at] == 13:
                return at + 2 if p[at + 1] == 10 else -1
            name_at = at
            while at < size:
                code = TOKEN[p[at]]
                if code == 0:
                    break
                if at - name_at < _NAME_MAX:
                    name[at - name_at] = code
                at += 1
            name_size = at - name_at
            if name_size == 0 or at >= size or p[at] != 58:
                return -1
            at += 1
            found = memchr(start + at, 13, size - at)
            if found == NULL:
                return -1
            end = <const char *>found - start
            if end + 1 >= size or p[end + 1] != 10:
                return -1
            while at < end and (p[at] == 32 or p[at] == 9):
                at += 1
            if at == end or p[end - 1] == 32:
                return -1
            value_at = at
            odd = 0
            for number in range(value_at, end):
                odd |= (p[number] < 32) | (p[number] == 127)
            if odd:
                return -1
            at = end + 2
            if name_size >= _NAME_MAX:
                continue
            if name_size == 10 and memcmp(name, b"user-agent", 10) == 0:
                if agent.at != NULL:
                    return -1
                agent.at, agent.size = start + value_at, end - value_at
            elif name_size == 14 and memcmp(name, b"content-length", 14) == 0:
                if length[0] >= 0 or end - value_at > _LENGTH_DIGITS_MAX:
                    return -1
                length[0] = 0
                for number in range(value_at, end):
                    if not 48 <= p[number] <= 57:
                        return -1
                    length[0] = length[0] * 10 + p[number] - 48
            elif name_size == address_size and memcmp(name, PyBytes_AS_STRING(self._address_header), name_size) == 0:
                if forwarded.at != NULL:
                    return -1
                forwarded.at, forwarded.size = start + value_at, end - value_at
            elif self._rare_lengths >> name_size & 1:
                for rare in self._rare:
                    if PyBytes_GET_SIZE(rare) == name_size and memcmp(name, PyBytes_AS_STRING(rare), name_size) == 0:
                        return -1

    cdef object _find_page(self, Sent *sent, bint is_read, remembered, key, find):
        """
        Find the page of an event whose arrival is not remembered, or learn the arrival; None when it is not plain.

        Args:
            is_read: whether `sent` may be of a known arrival.
            remembered: pages by `key`.
            find: works a page out by its key.
        """
        page = (<dict>remembered.young).get(key)
        if page is None and is_read:
            page = self._plain.arrival(
                arrival_key(sent), text_of(&sent.domain), text_of(&sent.url), text_of(&sent.referrer)
            )
        return find(key) if page is None else page

    cdef bytes _make(self, Sent *sent, object found, PlainAddress address, PlainAgent agent, long long now_ms,
                     object headers, object only_site):
        """
        Hash the visitor, put the record together, and tell who wants to know.

        Args:
            found: the page, or the arrival, which says all of it but the path.
            headers: the request as it came; None for an event of a batch.
            only_site: the one site it may be of, or None.
        """
        cdef Arrival arrival = <Arrival>found if isinstance(found, Arrival) else None
        cdef PlainPage page = <PlainPage?>found if arrival is None else None
        cdef SiteFields site = page.site if arrival is None else arrival.site
        cdef bytes record
        cdef list seen
        cdef bytes domain = page.domain if arrival is None else arrival.domain
        if only_site is not None and site.id != only_site:
            return None
        if now_ms // 1000 != self._second:
            self._last_piece = self._people.begin_second(now_ms)
            self._second = now_ms // 1000
        if (self._second != site.second or <long long>self._pseudonymizer.revision != site.salts) and not site.begin(
            self._pseudonymizer, now_ms
        ):
            if headers is None:
                return None
            if arrival is not None:
                page = PlainPage(site, text_of(&sent.url), domain, joined_page(&sent.path, arrival))
            return self._plain.near_midnight(page, address, agent, now_ms, headers)
        if not (
            address.agent is agent and address.salt == site.salt and same_bytes(address.site, site.part)
            and same_bytes(address.domain, domain)
        ):
            self._hash(site, address, agent, domain)
        if memcmp(address.visitor, NO_ID, 8) == 0:
            return None  # 0 stands for no visitor; once in 2^64
        record = self._join(sent, arrival, page, site, address, agent)
        sightings = self._plain.sightings
        if sightings is not None:
            # As `Sightings.add`, whose call from here took 0.2 us.
            seen = <list?>sightings.seen
            seen.append((
                now_ms, site.id, address.packed, agent.text, NO_HEADERS if headers is None else headers,
                text_of(&sent.url) if arrival is not None else page.beacon, None,
            ))
            if len(seen) >= self._sightings_max:
                sightings.hand_over()
        return record

    cdef int _hash(self, SiteFields site, PlainAddress address, PlainAgent agent, bytes domain) except -1:
        """
        Work out the visitor id, and remember it with the address.
        """
        cdef bytes message = PyBytes_FromStringAndSize(
            NULL, PyBytes_GET_SIZE(site.part) + address.part_size + PyBytes_GET_SIZE(agent.part)
            + PyBytes_GET_SIZE(domain)
        )
        cdef char *to = PyBytes_AS_STRING(message)
        cdef bytes digest
        to = append(to, site.part)
        to = append_span(to, address.joined, address.part_size)
        to = append(to, agent.part)
        append(to, domain)
        keyed = site.keyed.copy()
        keyed.update(message)
        digest = keyed.digest()
        memcpy(address.visitor, PyBytes_AS_STRING(digest), 8)
        address.agent, address.site, address.domain, address.salt = agent, site.part, domain, site.salt
        return 0

    cdef bytes _join(self, Sent *sent, Arrival arrival, PlainPage page, SiteFields site, PlainAddress address,
                     PlainAgent agent):
        cdef Py_ssize_t size = (
            PyBytes_GET_SIZE(site.head) + 18 + address.piece_size + PyBytes_GET_SIZE(agent.piece)
            + PyBytes_GET_SIZE(self._last_piece)
        )
        cdef bytes record
        cdef char *to
        cdef int number
        size += PyBytes_GET_SIZE(page.piece) if arrival is None else page_size(&sent.path, arrival)
        record = PyBytes_FromStringAndSize(NULL, size)
        to = append(PyBytes_AS_STRING(record), site.head)
        to[0] = to[9] = <char>0xCF  # how msgpack begins a large number
        for number in range(8):
            to[1 + number] = address.visitor[7 - number]
        self._seed(to + 10)
        to += 18
        to = append(to, page.piece) if arrival is None else append_page(to, &sent.path, arrival)
        to = append_span(to, address.joined + address.part_size, address.piece_size)
        to = append(to, agent.piece)
        append(to, self._last_piece)
        return record

    cdef int _seed(self, char *to) except -1:
        """
        Write eight random bytes that are not all 0.
        """
        cdef const char *at
        while True:
            if self._seeds_at + 8 > PyBytes_GET_SIZE(self._seeds):
                self._seeds, self._seeds_at = self._random_bytes(8192), 0
            at = PyBytes_AS_STRING(self._seeds) + self._seeds_at
            self._seeds_at += 8
            if memcmp(at, NO_ID, 8) != 0:
                memcpy(to, at, 8)
                return 0


cdef class PlainEvents:
    """
    A batch of plain pageviews, looked at and not yet read.
    """

    cdef PlainReader _reader
    cdef bytes _body
    cdef Sent *_sent
    cdef Py_ssize_t count

    def __cinit__(self, PlainReader reader not None, bytes body not None):
        cdef const char *start = PyBytes_AS_STRING(body)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(body), at, room = 64
        cdef Sent *larger
        self._reader, self._body = reader, body
        self.count = 0
        at = skip_space(start, 0, size)
        if at >= size or start[at] != 91:
            return
        at += 1
        self._sent = <Sent *>malloc(room * sizeof(Sent))
        if self._sent == NULL:
            raise MemoryError
        while True:
            at = read_event(start, skip_space(start, at, size), size, &self._sent[self.count])
            if at < 0 or self._sent[self.count].ip.at == NULL or self._sent[self.count].user_agent.at == NULL:
                break
            self.count += 1
            at = skip_space(start, at, size)
            if at >= size:
                break
            if start[at] == 93:
                if skip_space(start, at + 1, size) == size:
                    return
                break
            if start[at] != 44 or self.count == _EVENTS_MAX:
                break
            at += 1
            if self.count == room:
                room *= 4
                larger = <Sent *>realloc(self._sent, room * sizeof(Sent))
                if larger == NULL:
                    raise MemoryError
                self._sent = larger
        self.count = 0

    def __dealloc__(self):
        free(self._sent)

    def __len__(self):
        return self.count

    def take(self, Py_ssize_t first, Py_ssize_t last, list records not None, only_site, long long received_ms):
        """
        Make records; see `ingest/plain_batch.py`.
        """
        cdef PlainReader reader = self._reader
        cdef Sent *sent
        cdef Py_ssize_t at
        cdef bytes record
        cdef bint is_read
        cdef PlainAddress address
        cdef PlainAgent agent
        for at in range(first, min(last, self.count)):
            sent = &self._sent[at]
            is_read = split_url(sent)
            page = (<dict>reader._arrivals.young).get(arrival_key(sent)) if is_read else None
            if page is None:
                key = (text_of(&sent.domain), text_of(&sent.url), text_of(&sent.referrer))
                page = reader._find_page(sent, is_read, reader._named, key, reader._plain.page)
                if page is None:
                    return at
            ip = text_of(&sent.ip)
            found = (<dict>reader._direct.young).get(ip)
            if found is None:
                found = reader._people.address(ip)
                if found is None:
                    return at
            address = <PlainAddress?>found
            agent = address.agent
            if not is_sent(agent, &sent.user_agent):
                user_agent = text_of(&sent.user_agent)
                found = (<dict>reader._agent_texts.young).get(user_agent)
                if found is None:
                    found = reader._people.agent_named(user_agent)
                    if found is None:
                        return at
                agent = <PlainAgent?>found
            record = reader._make(sent, page, address, agent, received_ms, None, only_site)
            if record is None:
                return at
            records.append(record)
        return last


cdef class PlainLane:
    """
    The plain beacons of one connection; see `ingest/plain_lane.py`.
    """

    # What uvicorn's protocol and `ingest/connection.py` keep of a connection stands here, so that it is at hand.
    cdef public object loop, transport, server_state, pipeline, cycle, timeout_keep_alive_task
    cdef public object _spool
    cdef public object _unanswered, _now_ms, _reader
    cdef public str _peer
    cdef public bint _trusted, _between, _closing, _unused
    cdef public double _touched
    # Of the connection; -1 where answers go through its transport.
    cdef public int _socket
    # The place in line of a beacon that is alone there; used again and again while nothing was put into it.
    cdef list _slot

    def __cinit__(self, *_, **__):
        self._socket = -1

    def data_received(self, bytes data not None):
        """
        Take what came on the connection.
        """
        self._touched = self.loop.time()
        if self._between and not self._closing and not self.pipeline and (
            self.cycle is None or self.cycle.response_complete
        ):
            reader, now_ms = self._reader, self._now_ms()
            if isinstance(reader, PlainReader):
                record = (<PlainReader>reader).request(data, self._peer, self._trusted, now_ms)
            else:
                record = reader.request(data, self._peer, self._trusted, now_ms)
            if record is not None:
                self._unused = False
                if self.timeout_keep_alive_task is not None:
                    self._unset_keepalive_if_required()
                self._append_plain(record)
                return
            if self._known(data):
                return
        self._receive(data)

    cpdef int _append_plain(self, bytes record) except -1:
        cdef list slot = self._slot
        if slot is None or slot[0] is not None or self._unanswered:
            slot = self._slot = [None]
        # In line before it is handed over: a group that is full is safe, and told so, within the call.
        self._unanswered.append(slot)
        try:
            (<SpoolGroup?>self._spool).append_one(record, self)
        except SpoolFull:
            self._refuse_full(slot)
        return 0

    def __call__(self, error):
        """
        Be told that the oldest plain beacon without an answer is safe, or what kept it from that.
        """
        self._stored(error)

    cdef int _send(self, bytes answer) except -1:
        """
        Answer past the transport, for which it is a third of its work; with it whatever the socket does not take.
        """
        cdef Py_ssize_t sent = 0
        transport = self.transport
        # Asked each time: answers out of the ordinary go through the transport, which may still have a part of one.
        if self._socket >= 0 and not transport.is_closing() and transport.get_write_buffer_size() == 0:
            sent = send(
                self._socket, PyBytes_AS_STRING(answer), PyBytes_GET_SIZE(answer), MSG_DONTWAIT | MSG_NOSIGNAL
            )
            if sent == PyBytes_GET_SIZE(answer):
                return 0
        # Full, or broken: the transport finds out which, and does what is to be done.
        transport.write(answer[sent:] if sent > 0 else answer)
        return 0

    cdef bint _is_usual(self) except -1:
        # One beacon at a time: nothing to put in order.
        return not self._closing and len(self._unanswered) == 1 and not self.pipeline


cdef class SpoolGroup:
    """
    What is about to be written together; see `ingest/spool/group.py`.
    """

    cdef public list _records, _waiting
    cdef public Py_ssize_t _record_bytes, _enough

    def __cinit__(self, *_, **__):
        self._records, self._waiting = [], []

    cpdef append_one(self, bytes record, done):
        """
        Take one record in.
        """
        if not self._records:
            self._begin_group()
        self._records.append(record)
        self._waiting.append(done)
        self._record_bytes += PyBytes_GET_SIZE(record)
        if len(self._records) >= self._enough:
            self._end_pause()


def tell(list waiting not None, failure):
    """
    Tell those who wait that their records are safe, or what kept them from it.
    """
    cdef PlainLane lane, last = None
    cdef Py_ssize_t count = 0
    state = answer = None
    try:
        for done in waiting:
            if failure is None and isinstance(done, PlainLane):
                lane = <PlainLane>done
                if lane._is_usual():
                    if lane.server_state is not state:
                        if count:
                            last._count(count)
                            count = 0
                        state, answer = lane.server_state, lane._accepted()
                    lane._unanswered.popleft()
                    last, count = lane, count + 1
                    lane._send(<bytes?>answer)
                    continue
            done(failure)
    finally:
        if count:
            last._count(count)


def count_hits(sightings not None, dict counts not None, sites not None, long long hour_max):
    """
    Add sightings up; see `ingest/vault/counts.py`.
    """
    cdef long long hour, last_hour = -1
    cdef dict here = None
    last_site = None
    for sighting in <list?>sightings:
        hour = <long long>(<tuple>sighting)[0] // _HOUR_MS
        site = (<tuple>sighting)[1]
        if hour != last_hour or site != last_site:
            last_site, last_hour = site, hour
            here = counts.setdefault((site, min(hour, hour_max)), {}) if site in sites else None
        if here is not None:
            address = (<tuple>sighting)[2]
            here[address] = here.get(address, 0) + 1


cdef inline char *append(char *to, bytes piece):
    return append_span(to, PyBytes_AS_STRING(piece), PyBytes_GET_SIZE(piece))


cdef inline char *append_span(char *to, const char *start, Py_ssize_t size):
    memcpy(to, start, size)
    return to + size


cdef inline bint is_sent(PlainAgent agent, const Span *span):
    return agent is not None and agent.sent.size == span.size and (
        span.size == 0 or memcmp(agent.sent.at, span.at, span.size) == 0
    )


cdef inline bint same_bytes(bytes one, bytes other):
    return one is other or (
        PyBytes_GET_SIZE(one) == PyBytes_GET_SIZE(other)
        and memcmp(PyBytes_AS_STRING(one), PyBytes_AS_STRING(other), PyBytes_GET_SIZE(one)) == 0
    )


cdef inline Py_ssize_t page_size(const Span *path, Arrival arrival):
    return (
        PyBytes_GET_SIZE(arrival.front) + (1 if path.size < 32 else 2 if path.size < 256 else 3) + path.size
        + PyBytes_GET_SIZE(arrival.back)
    )


cdef char *append_page(char *to, const Span *path, Arrival arrival):
    """
    Write what of a record is the page's, its path as msgpack writes a text.
    """
    to = append(to, arrival.front)
    if path.size < 32:
        to[0] = <char>(0xA0 | path.size)
        to += 1
    elif path.size < 256:
        to[0], to[1] = <char>0xD9, <char>path.size
        to += 2
    else:
        to[0], to[1], to[2] = <char>0xDA, <char>(path.size >> 8), <char>(path.size & 255)
        to += 3
    return append(append_span(to, path.at, path.size), arrival.back)


cdef bytes joined_page(const Span *path, Arrival arrival):
    cdef bytes piece = PyBytes_FromStringAndSize(NULL, page_size(path, arrival))
    append_page(PyBytes_AS_STRING(piece), path, arrival)
    return piece


cdef inline str text_of(const Span *span):
    return PyUnicode_DecodeASCII(span.at, span.size, NULL)


cdef bytes arrival_key(Sent *sent):
    """
    Give all a pageview says of its page but the path: no part of it can hold the 0 between them.
    """
    cdef Py_ssize_t size = sent.domain.size + sent.host.size + sent.referrer.size + 2
    if sent.has_query:
        size += sent.query.size + 1
    cdef bytes key = PyBytes_FromStringAndSize(NULL, size)
    cdef char *to = append_span(PyBytes_AS_STRING(key), sent.domain.at, sent.domain.size)
    to[0] = 0
    to = append_span(to + 1, sent.host.at, sent.host.size)
    to[0] = 0
    to = append_span(to + 1, sent.referrer.at, sent.referrer.size)
    if sent.has_query:
        to[0] = 0
        append_span(to + 1, sent.query.at, sent.query.size)
    return key


cdef inline Py_ssize_t skip_space(const char *start, Py_ssize_t at, Py_ssize_t size):
    while at < size and (start[at] == 32 or start[at] == 10 or start[at] == 13 or start[at] == 9):
        at += 1
    return at


cdef bint is_printable(const char *start, Py_ssize_t size):
    cdef const unsigned char *p = <const unsigned char *>start
    cdef Py_ssize_t number
    cdef unsigned char odd = 0
    for number in range(size):
        odd |= (p[number] < 32) | (p[number] > 126) | (p[number] == 92)
    return not odd


cdef Py_ssize_t read_event(const char *start, Py_ssize_t at, Py_ssize_t size, Sent *sent):
    """
    Read an object with `n` (`pageview`), `u`, `d` and perhaps `r`, `v`, `ip`, `user_agent`, in any order, each once and
    of printable ASCII without escapes.

    Returns:
        Where it ends, or -1 for all else. `ip` and `user_agent` begin at NULL when they are not there.
    """
    cdef Py_ssize_t value
    cdef int seen = 0, bit
    cdef Span *span
    cdef const void *found
    sent.referrer.at, sent.referrer.size = start, 0
    sent.ip.at = sent.user_agent.at = NULL
    if at >= size or start[at] != 123:
        return -1
    while True:
        at = skip_space(start, at + 1, size)
        # The shortest that may follow: `"v":1}`.
        if at + 6 > size or start[at] != 34:
            return -1
        span = NULL
        if start[at + 2] == 34:
            if start[at + 1] == 110:  # n
                bit = 1
            elif start[at + 1] == 117:  # u
                bit, span = 2, &sent.url
            elif start[at + 1] == 100:  # d
                bit, span = 4, &sent.domain
            elif start[at + 1] == 114:  # r
                bit, span = 8, &sent.referrer
            elif start[at + 1] == 118:  # v
                bit = 16
            else:
                return -1
            at += 3
        elif memcmp(start + at, b'"ip"', 4) == 0:
            bit, span = 32, &sent.ip
            at += 4
        elif size - at > 12 and memcmp(start + at, b'"user_agent"', 12) == 0:
            bit, span = 64, &sent.user_agent
            at += 12
        else:
            return -1
        at = skip_space(start, at, size)
        if seen & bit or at >= size or start[at] != 58:
            return -1
        seen |= bit
        at = skip_space(start, at + 1, size)
        if at >= size:
            return -1
        value = at
        if bit == 16:
            while at < size and 48 <= start[at] <= 57:
                at += 1
            if at == value or at - value > _VERSION_DIGITS_MAX or (start[value] == 48 and at - value > 1):
                return -1
        elif start[at] == 34:
            value += 1
            found = memchr(start + value, 34, size - value)
            if found == NULL:
                return -1
            at = <const char *>found - start
            if span == NULL:
                if at - value != 8 or memcmp(start + value, b"pageview", 8) != 0:
                    return -1
            else:
                span.at, span.size = start + value, at - value
                if not is_printable(span.at, span.size):
                    return -1
            at += 1
        elif bit == 8 and size - at > 4 and memcmp(start + at, b"null", 4) == 0:
            at += 4
        else:
            return -1
        at = skip_space(start, at, size)
        if at >= size:
            return -1
        if start[at] == 125:
            return at + 1 if seen & 7 == 7 else -1
        if start[at] != 44:
            return -1


cdef bint split_url(Sent *sent):
    """
    Find host, path and query of an address whose path is kept as it stands; False for any other.

    The same addresses as `KEPT_URL` of `ingest/plain_pages.py` takes, with a path of which `is_plain` of `ingest/scrub.py`
    says True.
    """
    cdef const unsigned char *p = <const unsigned char *>sent.url.at
    cdef Py_ssize_t size = sent.url.size, at, label, labels = 0
    cdef unsigned char kind
    if size > _URL_MAX or not 0 < sent.domain.size <= _DOMAIN_MAX or sent.referrer.size > _REFERRER_MAX or size < 8:
        return False
    if memcmp(sent.url.at, b"http", 4) != 0:
        return False
    at = 5 if p[4] == 115 else 4
    if size < at + 3 or memcmp(sent.url.at + at, b"://", 3) != 0:
        return False
    at += 3
    sent.host.at = sent.url.at + at
    while True:
        label = at
        while at < size and HOST[p[at]]:
            at += 1
        if at == label or at == size:
            return False
        labels += 1
        if p[at] != 46:
            break
        at += 1
    if labels < 2 or p[at] != 47:
        return False
    sent.host.size = sent.url.at + at - sent.host.at
    sent.path.at = sent.url.at + at
    cdef int digits = 0, gap = 0, token = 0
    while at < size:
        kind = PATH[p[at]]
        if kind == 0:
            break
        if kind == 2:
            digits += 1
            gap = 0
            if digits == _NUMBER_LENGTH:
                return False
        elif kind == 3 or kind == 5:
            gap += 1
            if gap > 2:
                digits = 0
        else:
            digits = 0
        if kind == 5:
            token = 0
        else:
            token += 1
            if token == _TOKEN_LENGTH:
                return False
        at += 1
    sent.path.size = sent.url.at + at - sent.path.at
    sent.has_query = at < size
    if not sent.has_query:
        return True
    if p[at] != 63:
        return False
    at += 1
    sent.query.at, sent.query.size = sent.url.at + at, size - at
    while at < size:
        if p[at] < 33 or p[at] > 126 or p[at] == 35:
            return False
        at += 1
    return True


def looked_at(bytes body not None):
    """
    Tell how an object is read here, for tests: each field by its name, the parts of an address whose path is kept as it
    stands; None when it is not read.
    """
    cdef Sent sent
    cdef Py_ssize_t end = read_event(PyBytes_AS_STRING(body), 0, PyBytes_GET_SIZE(body), &sent)
    if end < 0:
        return None
    found = {"end": end, "u": text_of(&sent.url), "d": text_of(&sent.domain), "r": text_of(&sent.referrer)}
    if sent.ip.at != NULL:
        found["ip"] = text_of(&sent.ip)
    if sent.user_agent.at != NULL:
        found["user_agent"] = text_of(&sent.user_agent)
    if split_url(&sent):
        found["parts"] = (
            text_of(&sent.host), text_of(&sent.path), text_of(&sent.query) if sent.has_query else None
        )
    return found
