// Writes down whatever crosses the bridge, in both directions, then starts the page anew: its first
// requests are written down too.

const sent = [];
const received = [];
window.crossed = () => ({ sent, received });

// Every command goes through `fetch`, and its answer comes back that way.
const fetchAsItIs = window.fetch;
window.fetch = async (address, options) => {
  const headers = JSON.stringify([...new Headers(options?.headers)]);
  sent.push(`${address} ${options?.body ?? ""} ${headers}`);
  const answer = await fetchAsItIs(address, options);
  received.push(`${await answer.clone().text()} ${JSON.stringify([...answer.headers])}`);
  return answer;
};

// The shell speaks first by callbacks: event streams, and answers where `fetch` is not let through.
const { callbacks } = window.__TAURI_INTERNALS__;
callbacks.get = (id) => {
  const callback = Map.prototype.get.call(callbacks, id);
  return callback && ((data) => {
    received.push(JSON.stringify(data) ?? "");
    return callback(data);
  });
};

const { src } = document.querySelector("script[type=module][src]");
document.getElementById("app").replaceChildren();
const again = document.createElement("script");
again.type = "module";
again.src = `${src}?again`;
document.head.append(again);
