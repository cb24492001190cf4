// The page asks the application every three seconds; text is put in as text, never as HTML.
const byId = id => document.getElementById(id)

async function ask(path, options) {
  const answer = await fetch(path, options)
  return { ok: answer.ok, body: await answer.json() }
}

function fill(table, rows) {
  table.replaceChildren(
    ...rows.map(cells => {
      const row = document.createElement('tr')
      row.append(
        ...cells.map(text => {
          const cell = document.createElement('td')
          cell.textContent = text
          return cell
        }),
      )
      return row
    }),
  )
}

async function refresh() {
  try {
    const [health, orders, dead] = await Promise.all([
      ask('/api/health'),
      ask('/api/orders'),
      ask('/api/orders/dead-letters'),
    ])
    const { status, broker, reason } = health.body
    byId('health').dataset.status = status
    byId('health').textContent = `${status}, broker ${broker}${reason ? `: ${reason}` : ''}`
    fill(
      byId('orders'),
      orders.body.map(o => [o.product, o.quantity, o.attempts, o.topic, `${o.partition}@${o.offset}`]),
    )
    fill(
      byId('dead'),
      dead.body.map(d => [d.value, d.reason, d.topic, `${d.partition}@${d.offset}`]),
    )
  } catch {
    byId('health').dataset.status = 'unhealthy'
    byId('health').textContent = 'the application does not answer'
  }
}

async function showCluster() {
  const { body } = await ask('/api/cluster-info')
  byId('cluster').textContent = JSON.stringify(body, null, 2)
}

byId('order').addEventListener('submit', async event => {
  event.preventDefault()
  const { product, quantity } = Object.fromEntries(new FormData(event.target))
  const { ok, body } = await ask('/api/orders', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ product, quantity: Number(quantity) }),
  })
  byId('sent').textContent = ok ? `sent: ${body.topic} ${body.partition}@${body.offset}` : body.message
  await refresh()
})

byId('test').addEventListener('click', async () => {
  const { body } = await ask('/api/test-connection', { method: 'POST' })
  byId('connection').textContent =
    `${body.connected ? 'connected' : 'not connected'} (${body.milliseconds} ms): ${body.message}`
  await showCluster()
})

setInterval(refresh, 3000)
await refresh()
await showCluster()
