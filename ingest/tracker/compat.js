// What browsers older than ES2017 lack, for the build `script.compat.js`: this stands before `script.js` in one
// function, so that the names below are the script's own and nothing of the page is changed.

// The scripts of old browsers do not know which one they are.
let current = document.currentScript || document.querySelector('script[src*=".compat."]')

// What the page gave us and breaks must break in the console, not in the page's own code.
let guarded = (work) => (...given) => {
  try {
    return work(...given)
  } catch (error) {
    setTimeout(() => {
      throw error
    })
  }
}

let Object = {
  assign: (target, ...sources) => {
    for (let source of sources) for (let key in source || {}) target[key] = source[key]
    return target
  },
}

let endsWith = (text, end) => text.slice(-end.length) == end

let closestLink = (element) => {
  while (element && !(element.tagName == 'A' && element.href)) element = element.parentNode
  return element
}

function URL(path, base) {
  let link = document.createElement('a')
  link.href = base.replace(/[?#].*/, '').replace(/[^/]*$/, '') + path
  this.toString = () => link.href
}

let waiting = 0 // requests under way
let settled = [] // called when there are none any more

// As much of a promise as `script.js` uses.
let promise = (run) => {
  let outcome
  let listeners = []
  run((...found) => {
    outcome = found
    for (let listener of listeners) listener()
  })
  return {
    then: (good, bad) =>
      promise((done) => {
        let go = () => done((outcome[1] ? bad : good)(outcome[0]))
        if (outcome) go()
        else listeners.push(go)
      }),
  }
}

let fetch = (url, { body }) =>
  promise((done) => {
    let request = new XMLHttpRequest()
    request.open('POST', '' + url, true)
    request.setRequestHeader('Content-Type', 'text/plain')
    request.onreadystatechange = () => {
      if (request.readyState != 4) return
      waiting--
      done(request.status ? request : Error('network'), !request.status)
      if (!waiting) for (let go of settled.splice(0)) go()
    }
    waiting++
    request.send(body)
  })

// Without keepalive a request ends with its page: a link in the same tab waits for it, for five seconds at most. On the
// bubbling side, so that what the page itself prevented stays prevented.
addEventListener('click', (event) => {
  let link = closestLink(event.target)
  if (!link || !link.host || !waiting || event.defaultPrevented || !/^(|_self)$/i.test(link.target)) return
  if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.hasAttribute('download')) return
  if (link.href.split('#')[0] == location.href.split('#')[0]) return
  event.preventDefault()
  let gone
  let go = () => {
    if (!gone) location.href = link.href
    gone = 1
  }
  settled.push(go)
  setTimeout(go, 5000)
})
