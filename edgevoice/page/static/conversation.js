// What the box does now: phase, light, words, and the buttons for it.

const PHASES = { idle: "Ready", connecting: "Calling", listening: "Listening", thinking: "Thinking", speaking: "Speaking" };
const MOST_WORDS = 60;
const NOISY = "Too loud here to tell speech from the room: interrupt with the wake word or the button";

const now = {
  phase: "idle",
  light: "off",
  muted: false,
  meaning: "",
  noisy: false,

  show() {
    const special = { muted: "Muted", ringing: "Ringing", fault: "Fault", off: "Off" }[this.light];
    byId("phase").textContent = this.phase === "idle" && special ? special : (PHASES[this.phase] ?? this.phase);
    byId("talk").textContent = this.phase === "idle" ? "Talk" : this.phase === "speaking" ? "Interrupt" : "Done";
    byId("hang-up").disabled = this.phase === "idle" && this.light !== "speaking";
    byId("stop").disabled = !["thinking", "speaking"].includes(this.phase) && !["ringing", "speaking"].includes(this.light);
  },

  showLight({ light, fault, meaning }) {
    this.light = light;
    this.meaning = meaning ?? "";
    this.showMeaning();
    byId("fault").hidden = light !== "fault";
    byId("fault").textContent = light === "fault" ? sentence(meaning || fault) : "";
    byId("lights").setAttribute("aria-label", `The lights show: ${light}`);
    this.show();
  },

  showMute(muted) {
    this.muted = muted;
    byId("mute").setAttribute("aria-pressed", String(muted));
    byId("mute").textContent = muted ? "Muted" : "Mute";
  },

  showNoise(noisy) {
    this.noisy = noisy;
    this.showMeaning();
  },

  showMeaning() {
    const said = this.noisy ? NOISY : this.meaning;
    byId("meaning").textContent = this.light === "fault" ? "" : said;
  },

  showVolume(percent) {
    byId("volume").value = percent;
    byId("volume-text").textContent = `${percent} %`;
  },
};

const words = {
  rows: new Map(),
  session: 0,

  show({ role, item, text, final }) {
    if (!text) return;
    const log = byId("words");
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    // A service may number its items anew in each session.
    const key = `${this.session} ${item}`;
    let row = this.rows.get(key);
    if (row === undefined) {
      row = make("p", { className: role === "user" ? "user" : "assistant" });
      this.rows.set(key, row);
      log.append(row);
      if (this.rows.size > MOST_WORDS) {
        const [oldest] = this.rows.keys();
        this.rows.get(oldest).remove();
        this.rows.delete(oldest);
      }
    }
    // More of an answer may come after it was cut.
    const cut = row.querySelector("small");
    row.replaceChildren(make("span", { className: "unseen", textContent: role === "user" ? "You: " : "The box: " }), text, ...(cut ? [cut] : []));
    row.setAttribute("aria-busy", String(!final));
    byId("no-words").hidden = true;
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  },

  cut({ heard_ms: heardMs }) {
    const last = [...byId("words").children].findLast((row) => row.className.startsWith("assistant"));
    if (!last || last.classList.contains("said-cut")) return;
    last.classList.add("said-cut");
    last.append(make("small", { textContent: `interrupted after ${(heardMs / 1000).toFixed(1)} s` }));
  },

  resume() {
    const cut = [...byId("words").children].findLast((row) => row.classList.contains("said-cut"));
    if (!cut) return;
    cut.classList.remove("said-cut");
    cut.querySelector("small").textContent += "; nobody had spoken, so it went on";
  },
};

connection.on("box", ({ reachable, status, problem, remedy, meaning }) => {
  byId("link").dataset.state = reachable ? "on" : "off";
  byId("link-text").textContent = reachable ? "Connected" : "No box";
  byId("box").toggleAttribute("inert", !reachable);
  if (!reachable) {
    byId("phase").textContent = "Away";
    byId("fault").hidden = false;
    byId("fault").textContent = [sentence(problem), remedy].filter(Boolean).join(" ");
    lights.show([]);
    return;
  }
  now.phase = status.phase;
  now.showMute(status.muted);
  now.showNoise(status.noisy_room);
  now.showVolume(status.volume_percent);
  now.showLight({ light: status.light, fault: status.fault?.code ?? "", meaning });
  byId("ringing").hidden = !status.ringing;
  byId("version").textContent = `edgevoice ${status.version}`;
  connection.emit("refresh");
});
connection.on("phase", ({ phase }) => {
  // Speech may have changed who answers, and what is set.
  if (phase === "idle" && now.phase !== "idle") connection.emit("lists");
  if (phase === "connecting") words.session += 1;
  now.phase = phase;
  now.show();
});
connection.on("light", (event) => now.showLight(event));
connection.on("muted", ({ muted }) => now.showMute(muted));
connection.on("volume", ({ volume_percent: percent }) => now.showVolume(percent));
connection.on("words", (event) => words.show(event));
connection.on("interrupted", (event) => words.cut(event));
connection.on("resumed", () => words.resume());
connection.on("noisy-room", ({ noisy }) => now.showNoise(noisy));

for (const command of ["talk", "stop", "hang-up"]) byId(command).addEventListener("click", () => attempt(command));
byId("mute").addEventListener("click", () => attempt(now.muted ? "unmute" : "mute"));

let turning = 0;
byId("volume").addEventListener("input", ({ target }) => {
  byId("volume-text").textContent = `${target.value} %`;
  clearTimeout(turning);
  turning = setTimeout(() => attempt("volume", { percent: Number(target.value) }), 60);
});
