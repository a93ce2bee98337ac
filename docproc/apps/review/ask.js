// What is asked of the server: JSON there and back, one request after the other.

let chain = Promise.resolve();
let lasting = ""; // what stays wrong until the server says that it is mended

/** Show words about something that went wrong, or none. */
export function trouble(words = "") {
  const place = document.getElementById("trouble");
  place.textContent = words;
  place.hidden = !words;
}

/** Ask the server; what it tells, with `status` and, if it went wrong, `failure` in words. */
export function ask(name, body = {}) {
  const asked = chain.then(() => send(name, body));
  chain = asked.catch(() => {});
  return asked;
}

async function send(name, body) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  try {
    const reply = await fetch(name, options);
    const text = await reply.text();
    const isJson = (reply.headers.get("Content-Type") ?? "").startsWith("application/json");
    const told = isJson ? JSON.parse(text) : { failure: text };
    if (reply.status === 401) told.failure = "Your session has ended: reload the page and log in.";
    lasting = told.trouble ?? lasting;
    trouble(told.failure ?? lasting);
    return { ...told, status: reply.status };
  } catch {
    const failure = "docproc does not answer. What you keyed last is still here; start it again, then go on.";
    trouble(failure);
    return { failure, status: 0 };
  }
}

/** Tell the server something while the page is being left. */
export function tellLast(name) {
  fetch(name, { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}", keepalive: true }).catch(() => {});
}

/** The picture of a field, loading from now on. */
export function loadStrip(item) {
  const picture = new Image();
  picture.src = `strips/${item.id}.png`;
  return picture;
}

/** The picture of the page around a field, or of the whole page; told why if there is none. */
export async function loadAround(item, whole) {
  const reply = await fetch(`pages/${item.id}.jpg${whole ? "?whole" : ""}`);
  if (!reply.ok) return { failure: await reply.text() };
  const picture = new Image();
  const read = new Promise((done) => picture.addEventListener("load", done, { once: true }));
  const reader = new FileReader();
  reader.addEventListener("load", () => { picture.src = reader.result; });
  reader.readAsDataURL(await reply.blob());
  await read;
  return { picture };
}
