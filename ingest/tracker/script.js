// The tracker. It runs in other people's pages: it stores nothing, reads nothing about the device, and sends only
// the payload below. This is the readable source; `python -m ingest.tracker.build` makes what is served.
//
// Payload keys: n name, v version, u page address, d site, h hash mode, p props, r referrer, $ revenue,
// i interactive, sd scroll depth in percent, e engaged time in milliseconds.
//
// Every byte is paid for by every visitor of every page: at most 1,000 after gzip, a test counts. `let` throughout
// and one loop where three functions would do are part of that.
;(() => {
  // A page that carries the snippet twice is still one page.
  if ((window.daysalt || 0).l) return

  let script = document.currentScript
  // VARIANT is put in when the file is served: what its name asks for (`script.hash.js`), as if by attribute.
  let options = Object.assign(VARIANT, script.dataset)
  let hashMode = 'hash' in options
  let manual = 'manual' in options

  let last = manual // path of the latest pageview; false while one is due
  let viewed // payload of the latest pageview: its engagement belongs to the same address and props
  let active // somebody looks at the page: it is visible and focused
  let since // start of the time not yet added to `engaged`, milliseconds
  let engaged // milliseconds not yet reported
  let deepest // lowest pixel seen since the pageview
  let reported // scroll depth last reported, percent

  let send = (payload, callback = () => {}) => {
    if (
      (/^(|localhost|127[\d.]+|\[::1])$/.test(location.hostname) && !('allowLocalhost' in options)) ||
      (navigator.webdriver && !window.__plausible && !window.__daysalt)
    )
      callback()
    else
      // A text body needs no preflight; keepalive, so that it arrives although the page is left.
      fetch(options.api || script.src.replace(/(js\/)?[^/]*$/, 'api/event'), {
        method: 'POST',
        keepalive: true,
        credentials: 'omit',
        body: JSON.stringify(payload),
      }).then(callback, (error) => callback({ error }))
  }

  let track = (name, given) => {
    given = given || {}
    let props = {}
    if (PAGEVIEW_PROPS)
      for (let attribute of script.attributes)
        if (/^event-/.test(attribute.name)) props[attribute.name.slice(6)] = attribute.value
    let payload = {
      n: name,
      v: 1,
      // Only the parameters that name a campaign leave the page, and of a click id only its first character. In
      // hash mode the fragment is the page, but what follows a question mark in it is not.
      u: (given.u || given.url || location.href)
        .replace(/\?[^#]*/, (query) =>
          query
            .replace(
              /[?&](?!(utm_(source|medium|campaign|content|term)|source|ref|[gw]braid|(g|fb|tw)clid|msclkid)=)[^&]*|([?&]\w+id=.)[^&]*/g,
              '$4',
            )
            .replace(/./, '?'),
        )
        .replace(/(#[^?]*).*/, hashMode ? '$1' : ''),
      d: options.domain,
      h: hashMode ? 1 : undefined,
      p: PAGEVIEW_PROPS ? Object.assign(props, given.props) : given.props,
      r: document.referrer.replace(/[?#].*/, ''),
      $: given.revenue,
      i: given.interactive,
    }
    if (name == 'pageview') {
      attend()
      viewed = payload
      engaged = deepest = 0
      reported = -1
    }
    send(payload, given.callback)
  }

  // A pageview when the path is another one. Nobody has seen a page that is hidden or prerendered: its first
  // pageview waits.
  let route = () => {
    let path = location.pathname + (hashMode ? location.hash : '')
    if (path != last && (last || !document.hidden)) {
      last = path
      track('pageview')
    }
  }

  // Keeps the books of time and depth; reports them when nobody looks any more, and before the next pageview (no
  // event then). Time counts while the page is visible and focused.
  let attend = (event = 0) => {
    let now = performance.now()
    if (active) engaged += now - since
    since = now
    active = !document.hidden && document.hasFocus()
    deepest = Math.max(deepest, scrollY + innerHeight)
    let depth = ((deepest / document.documentElement.scrollHeight) * 100 + 0.5) | 0
    if (viewed && !(event && active) && (depth > reported || engaged >= 3000)) {
      viewed.n = 'engagement'
      viewed.r = viewed.$ = undefined
      viewed.sd = reported = depth
      viewed.e = engaged | 0
      engaged = 0
      send(viewed)
    }
    // Back from the back/forward cache: the same page, seen again.
    if (event.persisted) last = manual
    if (!last) route()
  }

  if (!manual) {
    let push = history.pushState
    history.pushState = (...entry) => {
      push.apply(history, entry)
      route()
    }
    addEventListener('popstate', route)
    route()
  }

  for (let name of ['visibilitychange', 'blur', 'focus', 'scroll', 'pageshow']) addEventListener(name, attend)

  for (let name of ['daysalt', 'plausible']) {
    let stub = window[name] || 0
    // Another service's tracker that already runs here keeps its name.
    if (!stub.l) window[name] = track
    for (let call of stub.q || []) track(...call)
  }
  track.l = true
})()
