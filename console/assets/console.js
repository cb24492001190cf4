/**
 * What the pages do in the browser: parts marked as live are looked at again, tables are filtered, keys lead around.
 * Everything works without it too, but for that.
 */
const LOOK_EVERY_MS = 3000

const filter = () => document.querySelector('.filter')
const rows = () => [...document.querySelectorAll('main tbody tr')].filter(row => row.checkVisibility())

function applyFilter() {
  const words = (filter()?.value ?? '').toLowerCase()
  for (const row of document.querySelectorAll('main tbody tr')) {
    row.hidden = words !== '' && !row.cells[0].textContent.toLowerCase().includes(words)
  }
}

/** The address of a page is where its live parts come from too. */
async function look() {
  const parts = document.querySelectorAll('[data-live]')
  const waits = document.querySelector('[data-retry]') !== null
  if ((parts.length === 0 && !waits) || document.hidden || document.querySelector('dialog[open]')) return
  const answer = await fetch(location.href, { headers: { accept: 'text/html', 'x-look': 'again' } }).catch(
    () => undefined,
  )
  // The page may be the answer to a form, which must not be sent again.
  if (answer?.redirected || (answer?.ok && waits)) return location.assign(location.href)
  document.querySelector('.stale').hidden = waits || answer?.ok === true
  if (!answer?.ok) return
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html')
  const chosen = rows().findIndex(row => row.classList.contains('chosen'))
  for (const part of parts) {
    const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`)
    if (next && next.innerHTML !== part.innerHTML) part.replaceChildren(...next.childNodes)
  }
  applyFilter()
  rows()[chosen]?.classList.add('chosen')
}

function choose(step) {
  const all = rows()
  if (all.length === 0) return
  const now = all.findIndex(row => row.classList.contains('chosen'))
  const next = now < 0 ? (step > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, now + step))
  for (const row of all) row.classList.remove('chosen')
  all[next].classList.add('chosen')
  all[next].scrollIntoView({ block: 'nearest' })
}

function open() {
  const row = document.querySelector('tr.chosen')
  const details = row?.querySelector('details')
  if (details) details.open = !details.open
  else row?.querySelector('a')?.click()
}

const KEYS = {
  '/': () => filter()?.focus(),
  '?': () => document.querySelector('#keys').showModal(),
  j: () => choose(1),
  k: () => choose(-1),
  Enter: open,
}

let leads = false

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.key === 'Escape' && event.target === filter()) {
    filter().value = ''
    filter().blur()
    return applyFilter()
  }
  if (event.target.closest('input, select, textarea, button, a, summary, dialog')) return
  const place = leads && document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`)
  leads = event.key === 'g' && !leads
  if (place) return place.click()
  if (leads || !Object.hasOwn(KEYS, event.key)) return
  event.preventDefault()
  KEYS[event.key]()
})

document.addEventListener('input', event => {
  if (event.target === filter()) applyFilter()
})

/** Only the field that goes with the chosen kind is shown. */
function showFields(form) {
  const kind = form.querySelector('[name=from], [name=to]')?.value
  for (const label of form.querySelectorAll('[data-for]')) {
    label.hidden = label.dataset.for !== kind
    const field = label.querySelector('input')
    field.required = !label.hidden
    // An hour ago: somewhere to begin. Times are meant in UTC.
    if (kind === 'time' && field.type === 'datetime-local' && field.value === '') {
      field.value = new Date(Date.now() - 3_600_000).toISOString().slice(0, 19)
    }
  }
}

for (const form of document.querySelectorAll('form.query')) {
  showFields(form)
  form.addEventListener('change', () => showFields(form))
  form.addEventListener('submit', event => {
    const question = event.submitter?.dataset.confirm
    if (question && !confirm(question)) event.preventDefault()
  })
}

/** One look after the other; where one takes long, as with thousands of topics, they are seldom. */
function lookLater(tookMs) {
  setTimeout(
    async () => {
      const began = performance.now()
      await look().catch(() => {})
      lookLater(performance.now() - began)
    },
    Math.max(LOOK_EVERY_MS, 10 * tookMs),
  )
}

lookLater(0)
