// Sends name and password as JSON, which no page from elsewhere can, and then shows what stands at this address.

const form = document.getElementById("login");
const trouble = document.getElementById("trouble");

async function logIn(event) {
  event.preventDefault();
  trouble.hidden = true;
  const body = JSON.stringify({ who: form.who.value, password: form.password.value });
  let words = "docproc does not answer; is it still running?";
  try {
    const reply = await fetch("/login", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (reply.ok) return location.reload();
    const text = await reply.text();
    words = reply.headers.get("Content-Type").startsWith("application/json") ? JSON.parse(text).failure : text;
  } catch {
    // said above
  }
  trouble.textContent = words;
  trouble.hidden = false;
  form.password.select();
}

form.addEventListener("submit", logIn);
document.body.dataset.ready = "true";
