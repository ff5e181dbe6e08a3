// What both pages need: elements, calls and live news.

/** @param {string} id */
export const byId = (id) => document.getElementById(id);

/** Build an element; text is always text, never markup. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value != null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== ""));
  return made;
}

export async function ask(path, method = "GET", body) {
  const response = await fetch("/sandbox/" + path, {
    method,
    headers: body === undefined ? {} : { "content-type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`The sandbox answered ${response.status}`);
  return response.json();
}

/** Calls back at each (re)connection with "" and at each change with its topic. */
export function listen(changed) {
  const events = new EventSource("/sandbox/events");
  const tell = (topic) => changed(topic).catch(() => {}); // the sandbox restarts: the next connection asks again
  events.addEventListener("open", () => tell(""));
  events.addEventListener("changed", (event) => tell(JSON.parse(event.data)));
}

/** Answers may overtake each other: one look at a time, and one more if news came meanwhile. */
export function oneAtATime(look) {
  let running = null;
  let again = false;
  const untilQuiet = async () => {
    do {
      again = false;
      await look();
    } while (again);
  };
  return () => {
    again = true;
    running ??= untilQuiet().finally(() => (running = null));
    return running;
  };
}

export const clock = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

export function fill(select, values, chosen, label = (value) => value) {
  select.replaceChildren(
    ...[...new Set([...values, chosen])]
      .filter(Boolean)
      .map((value) => el("option", { value, selected: value === chosen }, label(value))),
  );
}

/** +12025550142 as people write it. */
export function shown(number) {
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(number);
  return parts ? `+1 ${parts[1]} ${parts[2]} ${parts[3]}` : number;
}
