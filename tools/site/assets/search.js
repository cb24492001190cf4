/** Search over the words of all pages, which are fetched when somebody first searches. */
const field = document.querySelector('nav input')
const list = document.querySelector('#found')
const root = document.body.dataset.root
const MOST = 12
let pages

async function load() {
  pages ??= fetch(`${root}/search.json`).then(answer => answer.json())
  return pages
}

/** Every word must be there; a page counts more when its title has them. */
function score({ title, words }, wanted) {
  const [name, text] = [title.toLowerCase(), words.toLowerCase()]
  let points = 0
  for (const word of wanted) {
    const found = text.split(word).length - 1
    if (found === 0 && !name.includes(word)) return 0
    points += Math.min(found, 20) + (name.includes(word) ? 50 : 0)
  }
  return points
}

function around({ words }, word) {
  const at = words.toLowerCase().indexOf(word)
  return at < 0 ? '' : words.slice(Math.max(0, at - 40), at + 60)
}

async function search() {
  const wanted = field.value.toLowerCase().split(/\s+/).filter(Boolean)
  const found = wanted.length === 0 ? [] : (await load()).map(page => ({ page, points: score(page, wanted) }))
  const best = found
    .filter(({ points }) => points > 0)
    .sort((a, b) => b.points - a.points)
    .slice(0, MOST)
  list.replaceChildren(
    ...best.map(({ page }) => {
      const [item, link, text] = ['li', 'a', 'small'].map(name => document.createElement(name))
      link.href = `${root}/${page.path}`
      link.textContent = page.title
      text.textContent = around(page, wanted[0])
      item.append(link, text)
      return item
    }),
  )
  list.hidden = best.length === 0
}

field.addEventListener('input', search)
document.addEventListener('keydown', event => {
  if (event.key !== '/' || event.target === field) return
  event.preventDefault()
  field.focus()
})
