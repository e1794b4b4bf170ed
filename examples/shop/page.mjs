/** The shop's only page. */
export function page({ user, cart, goods }) {
  const items = Object.entries(goods).map(
    ([id, name]) => `
      <li>${name} × ${cart[id] ?? 0}
        <form method="post" action="/cart"><button name="item" value="${id}">Add</button></form>
      </li>`,
  );
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>Shop</title>
    <style>
      body { font: 1rem/1.6 system-ui, sans-serif; max-width: 32rem; margin: 3rem auto; padding: 0 1rem; }
      form { display: inline; }
      li { margin: 0.4rem 0; }
    </style>
  </head>
  <body>
    <h1>Shop</h1>
    ${user ? greeting(user) : LOGIN}
    <h2>Cart</h2>
    <ul>${items.join("")}
    </ul>
  </body>
</html>`;
}

const LOGIN = `<form method="post" action="/login">
      <label>Name <input name="user" required maxlength="40" /></label> <button>Log in</button>
    </form>`;

function greeting(user) {
  return `<p>Hello, <b>${escapeHtml(user)}</b>
      <form method="post" action="/logout"><button>Log out</button></form></p>`;
}

function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
