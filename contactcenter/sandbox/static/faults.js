// The panel on which the outside world is told to misbehave.

import { ask, byId, el, oneAtATime } from "./kit.js";

export function faultPanel() {
  byId("faults").addEventListener("submit", async (event) => {
    event.preventDefault();
    const [kind, code] = byId("kind").value.split(":");
    const times = byId("times").value ? Number(byId("times").value) : null;
    await ask("faults", "POST", code ? { kind, code, times } : { kind, times });
    await refreshFaults();
  });
  byId("calm").addEventListener("click", async () => {
    await ask("faults", "DELETE");
    await refreshFaults();
    byId("kind").focus();
  });
}

export const refreshFaults = oneAtATime(async () => show(await ask("faults")));

function show(faults) {
  byId("active").replaceChildren(...faults.map((fault) => el("li", {}, `${words(fault)} – ${often(fault.times)}`)));
  byId("calm").hidden = faults.length === 0;
}

function words({ kind, code }) {
  const options = [...byId("kind").options];
  const option = options.find((one) => one.value === `${kind}:${code}`) ?? options.find((one) => one.value === kind);
  return option ? option.text : kind;
}

const often = (times) => (times === null ? "always" : times === 1 ? "once more" : `${times} times more`);
