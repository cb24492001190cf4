import { expect, test } from '@jest/globals'
import { html } from './html.ts'

test('what is put in stands as text, also in attributes', () => {
  const evil = `"><script>alert('x')</script>&`
  expect(html`<a title="${evil}">${evil}</a>`.text).toBe(
    '<a title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;">&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;</a>',
  )
})

test('what html made goes in as it is, lists one after the other, nothing as nothing', () => {
  expect(html`<ul>${[1, 2].map(n => html`<li>${n}</li>`)}${undefined}${null}</ul>`.text).toBe(
    '<ul><li>1</li><li>2</li></ul>',
  )
})
