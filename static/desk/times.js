// Times are sent in UTC, which stays in the tooltip; here they are shown in the agent's own zone, with the months as the
// server writes them.
const local = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
function show() {
  for (const time of document.querySelectorAll("time[data-local]")) {
    time.textContent = local.format(new Date(time.dateTime)).replace("Sept", "Sep");
  }
}

show();
document.addEventListener("updated", show); // a part of the page was replaced
