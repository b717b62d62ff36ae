// The link's status updates itself while somebody looks at it.
const part = document.querySelector("[data-status]");

async function look() {
  if (!document.hidden) {
    const answer = await fetch(part.dataset.status, { headers: { Accept: "text/html" }, redirect: "error" }).catch(() => null);
    if (answer?.ok) {
      const html = await answer.text();
      if (html !== part.dataset.shown) {
        part.innerHTML = html;
        part.dataset.shown = html;
        document.dispatchEvent(new Event("updated"));
      }
    }
  }
  setTimeout(look, 4000);
}

if (part) setTimeout(look, 2000);
