// The connection to the page's process: requests with replies, and events. It is closed while nobody looks.

const HIDDEN_MS = 60000;
const LAPSED = 4401;

const byId = (id) => document.getElementById(id);

/** Make an element. Properties that begin with "on" are listeners, those with a hyphen or "role" are attributes. */
function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

class Refusal extends Error {
  constructor({ code = "", problem = "it was refused", remedy = "" }) {
    super(remedy ? `${sentence(problem)} ${remedy}` : sentence(problem));
    this.code = code;
  }
}

function sentence(text) {
  const plain = String(text).trim();
  return plain && plain[0].toUpperCase() + plain.slice(1) + (/[.!?…]$/.test(plain) ? "" : ".");
}

const connection = {
  socket: null,
  listeners: new Map(),
  waiting: new Map(),
  number: 0,
  tries: 0,
  timer: 0,

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  },

  on(event, listener) {
    this.listeners.set(event, [...(this.listeners.get(event) ?? []), listener]);
  },

  emit(event, fields = {}) {
    for (const listener of this.listeners.get(event) ?? []) listener(fields);
  },

  open() {
    clearTimeout(this.timer);
    if (this.socket !== null) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/live`);
    this.socket = socket;
    socket.onmessage = (message) => this.take(JSON.parse(message.data));
    socket.onclose = (end) => {
      if (this.socket !== socket) return;
      this.drop();
      this.emit("closed", { lapsed: end.code === LAPSED });
      if (!document.hidden) this.again();
    };
  },

  again() {
    this.timer = setTimeout(() => this.open(), Math.min(15000, 500 * 2 ** this.tries));
    this.tries += 1;
  },

  drop() {
    this.socket = null;
    for (const { reject } of this.waiting.values()) reject(new Refusal({ problem: "the page lost its connection" }));
    this.waiting.clear();
  },

  close() {
    const socket = this.socket;
    clearTimeout(this.timer);
    this.drop();
    socket?.close();
  },

  /** Connect anew: with another cookie. */
  renew() {
    this.close();
    this.tries = 0;
    this.open();
  },

  take(message) {
    if ("event" in message) {
      this.tries = 0;
      this.emit(message.event, message);
      return;
    }
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    if (message.ok) waiting?.resolve(message);
    else waiting?.reject(new Refusal(message.error ?? {}));
  },

  ask(command, fields = {}) {
    return new Promise((resolve, reject) => {
      if (!this.isOpen) {
        reject(new Refusal({ problem: "the page is not connected" }));
        return;
      }
      this.number += 1;
      this.waiting.set(this.number, { resolve, reject });
      this.socket.send(JSON.stringify({ ...fields, id: this.number, do: command }));
    });
  },
};

/** Ask, and say so if it is refused; returns null then. */
async function attempt(command, fields = {}) {
  try {
    return await connection.ask(command, fields);
  } catch (refusal) {
    toast(refusal.message);
    return null;
  }
}

function toast(text) {
  const shown = make("p", { textContent: text });
  byId("toasts").append(shown);
  setTimeout(() => shown.remove(), 7000);
}

let hiding = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hiding);
  // A tab that was forgotten must not keep the box busy.
  if (document.hidden) hiding = setTimeout(() => connection.close(), HIDDEN_MS);
  else connection.open();
});
