// Dates are sent in UTC, which stays in the tooltip; here they are shown in the agent's own zone, with the months as the
// server writes them.
const day = { day: "numeric", month: "short", year: "numeric" };
const local = {
  day: new Intl.DateTimeFormat("en-GB", day),
  minute: new Intl.DateTimeFormat("en-GB", { ...day, hour: "2-digit", minute: "2-digit" }),
};
function show() {
  for (const date of document.querySelectorAll("time [data-local]")) {
    date.textContent = local[date.dataset.local].format(new Date(date.parentElement.dateTime)).replace("Sept", "Sep");
  }
}

show();
document.addEventListener("updated", show); // a part of the page was replaced
