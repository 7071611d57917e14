import { Client, toNumber } from "./livecb/client.js";

const client = new Client(); // of the server that the module came from
const part = (id) => document.getElementById(id);
let points = [];
let leave = () => undefined;
let later = 0;

/** Show a run: what is so now by its live store, and its curve by its events, each once. */
function show(run) {
  clearTimeout(later);
  leave();
  points = [];
  const live = client.live(run);
  const unsubscribe = live.subscribe(() => draw(live.get()));
  const events = client.follow(run, { types: ["metrics"], onEvents: addPoints });
  events.done.catch((error) => (part("problem").textContent = error.message));
  part("stop").onclick = () => live.send("stop", { by: "the page" }).catch((error) => (part("problem").textContent = error.message));
  leave = () => {
    unsubscribe();
    events.close();
  };
}

function draw({ state, isConnected, error }) {
  part("problem").textContent = error?.message ?? "";
  if (!state) return;
  part("status").textContent = state.status;
  part("status").dataset.connected = isConnected;
  part("progress").value = state.progress?.fraction ?? 0;
  part("stop").disabled = !state.alive || state.ended !== null;
}

function addPoints(events) {
  for (const { values } of events) if ("val/acc" in values) points.push(toNumber(values["val/acc"]));
  const places = points.map((value, at) => `${(100 * at) / Math.max(1, points.length - 1)},${40 - 40 * value}`);
  part("curve").firstElementChild.setAttribute("points", places.join(" "));
  part("curve").dataset.points = points.length;
  part("accuracy").textContent = points.at(-1)?.toFixed(3) ?? "–";
}

part("train").onclick = async () => {
  const answer = await fetch("./train", { method: "POST" });
  const { run } = await answer.json();
  history.replaceState(null, "", `?run=${run}`);
  show(run);
};

/** Show the run that the address names, or the newest one that goes on: who only opens the page sees it, too. */
async function find() {
  const named = new URLSearchParams(location.search).get("run");
  const [row] = named ? [{ run: named }] : await client.list({ status: "active", limit: 1 });
  if (row) show(row.run);
  else later = setTimeout(look, 2000);
}

function look() {
  find().catch((error) => (part("problem").textContent = error.message));
}

look();
