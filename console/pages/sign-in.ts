/** Signing in: with the name and password that a Kafka client of the same user would have. */
import { type Html, html } from '../html.ts'

export function signInPage(next: string, problem: string | undefined): Html {
  return html`<div class="sign-in"><h1>Sign in</h1>
<p>With your user of the Kafka cluster. You see what its ACLs let you see.</p>
${problem === undefined ? '' : html`<p class="problem" role="alert">${problem}</p>`}
<form method="post" action="/sign-in">
<input type="hidden" name="next" value="${next}">
<label>User <input name="user" autocomplete="username" required autofocus></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button>
</form></div>`
}

export function problemPage(title: string, problem: string): Html {
  return html`<h1>${title}</h1><p class="problem" role="alert">${problem}</p>`
}

/** The browser asks for the page again until it is there. */
export function unreachablePage(problem: string): Html {
  return html`<h1>No broker answers</h1><p class="problem" role="alert">${problem}</p>
<p class="empty" data-retry>This page looks again every few seconds.</p>`
}
