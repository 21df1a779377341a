// The tracker. It runs in other people's pages: it stores nothing, reads nothing about the device, and sends only
// the payload below. This is the readable source; `python -m ingest.tracker.build` makes two files of it: a small
// one (FULL is false) with pageviews, history, engagement and events sent by hand, and one with everything.
//
// Payload keys: n name, v version, u page address, d site, h hash mode, p props, r referrer, $ revenue,
// i interactive, sd scroll depth in percent, e engaged time in milliseconds.
//
// Every byte is paid for by every visitor of every page: at most 1,000 and 2,000 after gzip, a test counts. `let`
// throughout and one loop where three functions would do are part of that.
;(() => {
  // A page that carries the snippet twice is still one page.
  if ((window.daysalt || 0).l) return

  let script = document.currentScript
  // OPTIONS is put in when the file is served: what its name asks for (`script.hash.js`), or the site's settings.
  // The tag's attributes count too, and in the full build what the page gives to `init`.
  let options = FULL ? OPTIONS : script.dataset
  let hashMode
  let queue = [] // calls from before the start; none once it has started

  let last // path of the latest pageview; none while one is due
  let viewed // payload of the latest pageview: its engagement belongs to the same address and props
  let active // somebody looks at the page: it is visible and focused
  let since // start of the time not yet added to `engaged`, milliseconds
  let engaged // milliseconds not yet reported
  let deepest // lowest pixel seen since the pageview
  let reported // scroll depth last reported, percent

  let here = () => location.pathname + (FULL && hashMode ? location.hash : '')

  let send = (payload) =>
    // A text body needs no preflight; keepalive, so that it arrives although the page is left.
    fetch((FULL ? options.endpoint || options['data-api'] : options.api) || new URL('../api/event', script.src), {
      method: 'POST',
      keepalive: true,
      credentials: 'omit',
      body: JSON.stringify(payload),
    }).then(({ status }) => ({ status }), (error) => ({ error }))

  // Only the parameters that name a campaign leave the page, and of a click id only its first character. In hash
  // mode the fragment is the page, but what follows a question mark in it is not.
  let strip = (url, keepHash) =>
    url
      .replace(/\?[^#]*/, (query) =>
        (
          query.match(
            /[?&]((utm_(source|medium|campaign|content|term)|source|ref)=[^&]*|([gw]bra|(g|fb|tw)cl|msclk)id=.)/g,
          ) || []
        )
          .join('')
          .replace(/./, '?'),
      )
      .replace(FULL ? /(#[^?]*).*/ : /#.*/, FULL && keepHash ? '$1' : '')

  let track = async (name, given) => {
    if (FULL && queue) return queue.push([name, given])
    given = given || {}
    let payload = {
      n: name,
      v: 2,
      u: given.url || given.u || location.href,
      d: FULL ? options['data-domain'] : options.domain,
      p: FULL ? undefined : given.props,
      r: document.referrer.replace(/[?#].*/, '') || null,
      $: given.revenue,
      i: given.interactive,
    }
    if (FULL) {
      let props = {}
      let own = options.customProperties
      if (typeof own == 'function') own = own(name)
      for (let key in options) key.replace(/^event-(.+)/, (text, name) => (props[name] = options[key]))
      Object.assign(props, typeof own == 'object' && own, given.meta, given.props)
      for (let any in props) payload.p = props
      payload.h = hashMode
    }
    if (name == 'pageview') {
      // The page before is reported before this one is; if this one is ignored, so is its engagement.
      attend()
      viewed = 0
    }

    let reason
    // Set by site owners who do not want to count themselves; only ever read, and where reading is forbidden not set.
    try {
      if (localStorage.plausible_ignore == 'true') reason = FULL ? 'plausible_ignore' : 1
    } catch (forbidden) {}
    if (!FULL || !options.captureOnLocalhost) {
      if (navigator.webdriver && !window.__plausible) reason = FULL ? 'webdriver' : 1
      if (/^(|localhost|127[\d.]+|\[::1])$/.test(location.hostname)) reason = FULL ? 'localhost' : 1
    }
    if (FULL) {
      if (name == 'pageview' && (matches(options['data-exclude'] || '!') || !matches(options['data-include'] || '**')))
        reason = 'data-exclude'
      if (!reason && options.transformRequest && !(payload = options.transformRequest(payload)))
        reason = 'transformRequest'
      if (reason && options.logging !== false) console.warn('Ignoring Event: ' + reason)
    }
    if (!reason) {
      payload.u = strip(payload.u, hashMode)
      if (name == 'pageview') {
        viewed = payload
        engaged = deepest = 0
        reported = -1
      }
      reason = await send(payload)
    } else reason = undefined
    if (given.callback) given.callback(reason)
  }

  // A pageview when the path is another one. Nobody has seen a page that is hidden or prerendered: its first
  // pageview waits.
  let route = () => {
    let path = here()
    if (path != last && (last || !document.hidden)) {
      last = path
      track('pageview')
    }
  }

  // Keeps the books of time and depth; reports them when nobody looks any more, and before the next pageview (no
  // event then). Time counts while the page is visible and focused.
  let attend = (event = 0) => {
    let now = Date.now()
    if (active) engaged += now - since
    since = now
    active = !document.hidden && document.hasFocus()
    deepest = Math.max(deepest, scrollY + innerHeight)
    if (viewed && !(event && active)) {
      let depth = ((deepest / document.documentElement.scrollHeight) * 100 + 0.5) | 0
      if (depth > reported || engaged >= 3000) {
        viewed.n = 'engagement'
        viewed.r = viewed.$ = undefined
        viewed.sd = reported = depth
        viewed.e = engaged
        engaged = 0
        send(viewed)
      }
    }
    // Back from the back/forward cache: the same page, seen again.
    if (event.persisted) last = FULL && options.autoCapturePageviews === false
    if (!last) route()
  }

  // `*` stands for any text within a step of the path, `**` for any text.
  let matches = (rules) =>
    rules
      .split(',')
      .some((rule) =>
        RegExp('^' + rule.trim().replace(/\*\*/g, '.*').replace(/([^.])\*/g, '$1[^/]*') + '/?$').test(here()),
      )

  // One event for one act: what the page's author named by classes, such as `plausible-event-name=Sign+up
  // plausible-event-plan--large plausible-revenue-amount=5 plausible-revenue-currency=EUR`, on the element or one of
  // three around it; else a form, a link to elsewhere, a file.
  let act = ({ type, target, button }) => {
    let found = { event: {}, revenue: {} }
    let submitted = type == 'submit'
    let link = target.closest && target.closest('a[href]') // what a page dispatches itself may come from its document
    let url = link && link.host && strip(link.href, 1)
    let element = target
    let form
    for (let left = 4; left-- && element; element = element.parentNode) {
      if (element.tagName == 'FORM') form = element
      ;(element.classList + '').replace(
        /plausible-(event|revenue)-(\S+)(=|--)(\S+)/g,
        (text, kind, key, sign, value) => ((key == 'name' ? found : found[kind])[key] = value.replace(/\+/g, ' ')),
      )
    }
    // Of the other buttons only the middle one opens a link.
    if (button > 1) return
    if (found.name) {
      if (url) found.event.url = url
      // Inside a form it is the form that counts, when it is sent.
      if (!form || submitted) track(found.name, { props: found.event, revenue: found.revenue })
    } else if (submitted) {
      if (options.formSubmissions && (form.noValidate || form.checkValidity())) track('Form: Submission')
    } else if (url)
      if (options.outboundLinks && link.host != location.host) track('Outbound Link: Click', { props: { url } })
      else if (
        options.fileDownloads &&
        (
          options.fileDownloads.fileExtensions ||
          (options['file-types'] || FILE_TYPES + ',' + options['add-file-types']).split(',')
        ).some((extension) => link.pathname.endsWith('.' + extension.trim()))
      )
        track('File Download', { props: { url: url.replace(/[?#].*/, '') } })
  }

  let start = (given) => {
    if (FULL) {
      if (!queue) return console.warn('Ignoring init')
      Object.assign(options, given)
      // Captured: also what the page keeps to itself.
      for (let type of ['click', 'auxclick', 'submit']) addEventListener(type, act, true)
    }
    let calls = FULL && queue
    if (FULL) queue = 0
    if (FULL) {
      hashMode = options.hashBasedRouting ? 1 : undefined
      last = options.autoCapturePageviews === false
    }
    if (!FULL || !last) {
      let push = history.pushState
      history.pushState = (...entry) => {
        push.call(history, ...entry)
        route()
      }
      addEventListener('popstate', route)
    }
    for (let name of ['visibilitychange', 'blur', 'focus', 'scroll', 'pageshow']) addEventListener(name, attend)
    attend()
    for (let call of FULL ? calls : queue) track(...call)
    track.l = true
  }

  let given // what the page gave to `init` before this script came
  if (FULL) for (let { name, value } of script.attributes) options[name] = value
  for (let name of ['daysalt', 'plausible']) {
    let stub = window[name] || 0
    // Another service's tracker that already runs here keeps its name.
    if (!stub.l) window[name] = track
    queue.push(...(stub.q || []))
    if (FULL) given = stub.o || given
  }
  if (FULL) track.init = start
  // A script of a site's own that is loaded asynchronously may be here before the page's call of `init`.
  if (!FULL || given || !options.own || !script.async) start(given)
})()
