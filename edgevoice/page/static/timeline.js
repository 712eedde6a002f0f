// Pictures that move: the microphone with the wake word's score, and the barge-in.

const SPAN_MS = 12000;
const FRAME_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 500 : 33;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
const clockTime = new Intl.DateTimeFormat([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

/** The box's clock as ours: the least delay that was seen. */
const clock = {
  skew: Infinity,
  of(event) {
    const at = Date.parse(event.at);
    this.skew = Math.min(this.skew, Date.now() - at);
    return at + this.skew;
  },
};

function canvasOf(id) {
  const canvas = byId(id);
  const scale = Math.min(2, devicePixelRatio || 1);
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

const ears = {
  heard: [],

  take(event) {
    const word = event.words.reduce((best, each) => (each.score > (best?.score ?? -1) ? each : best), null);
    this.heard.push({ at: clock.of(event), level: event.level_db, score: word?.score ?? null, threshold: word?.threshold ?? null });
    while (this.heard.length && this.heard[0].at < Date.now() - SPAN_MS - 500) this.heard.shift();
    byId("level-text").textContent = event.level_db <= -95 ? "silent" : `${Math.round(event.level_db)} dB`;
    byId("score-text").textContent = word ? `${word.word.replaceAll("_", " ")} ${word.score.toFixed(2)} of ${word.threshold.toFixed(2)}` : "";
  },

  draw(now) {
    const { pen, width, height } = canvasOf("ears");
    const x = (at) => width * (1 - (now - at) / SPAN_MS);
    const loud = (level) => height * (1 - Math.min(1, Math.max(0, (level + 70) / 65)));
    if (this.heard.length < 2) return;
    pen.fillStyle = colour("level");
    pen.beginPath();
    pen.moveTo(x(this.heard[0].at), height);
    for (const each of this.heard) pen.lineTo(x(each.at), loud(each.level));
    pen.lineTo(x(this.heard.at(-1).at), height);
    pen.fill();
    const last = this.heard.at(-1);
    if (last.threshold === null) return;
    const high = (score) => height - 4 - (height - 8) * score;
    pen.setLineDash([5, 4]);
    pen.strokeStyle = colour("cut");
    pen.lineWidth = 1.5;
    pen.beginPath();
    pen.moveTo(0, high(last.threshold));
    pen.lineTo(width, high(last.threshold));
    pen.stroke();
    pen.setLineDash([]);
    pen.strokeStyle = colour("you");
    pen.lineWidth = 2.25;
    pen.lineJoin = "round";
    pen.beginPath();
    for (const each of this.heard) pen.lineTo(x(each.at), high(each.score ?? 0));
    pen.stroke();
  },
};

const timeline = {
  answers: [],
  speech: [],
  marks: [],
  onset: 0,
  ducked: 0,
  cut: 0,

  open(list, at, kind) {
    this.close(list, at);
    list.push({ from: at, to: null, kind });
    if (list.length > 60) list.shift();
  },

  close(list, at) {
    const last = list.at(-1);
    if (last && last.to === null) last.to = at;
  },

  mark(at, label, kind) {
    this.marks.push({ at, label, kind });
    if (this.marks.length > 30) this.marks.shift();
  },

  takeSpeech(event) {
    const at = clock.of(event) - event.ago_ms;
    if (event.state === "began") {
      this.onset = at;
      this.ducked = this.cut = 0;
      this.open(this.speech, at, "perhaps");
    } else if (event.state === "confirmed") {
      if (!this.onset) this.onset = at;
      const last = this.speech.at(-1);
      if (last?.to === null) last.kind = "sure";
      else this.open(this.speech, at, "sure");
    } else {
      this.close(this.speech, clock.of(event));
      if (!this.cut) this.onset = 0;
    }
  },

  takePlayback(event) {
    const at = clock.of(event);
    const after = this.onset ? ` +${Math.max(0, Math.round(at - this.onset))} ms` : "";
    switch (event.state) {
      case "started":
        this.close(this.speech, at);
        this.open(this.answers, at, "answer");
        break;
      case "ducked":
        this.ducked = at;
        this.open(this.answers, at, "ducked");
        this.mark(at, `lowered${after}`, "ducked");
        break;
      case "restored": this.open(this.answers, at, "answer"); this.onset = 0; break;
      case "cut":
        this.cut = at;
        this.close(this.answers, at);
        this.mark(at, `cut${after}`, "cut");
        break;
      default: this.close(this.answers, at);
    }
  },

  takeInterruption(event) {
    const at = clock.of(event);
    this.close(this.answers, at);
    const parts = [];
    if (this.onset && this.ducked) parts.push(`lowered after ${Math.max(0, Math.round(this.ducked - this.onset))} ms`);
    if (this.onset && this.cut) parts.push(`cut after ${Math.max(0, Math.round(this.cut - this.onset))} ms`);
    parts.push(`${event.heard_ms.toLocaleString("en")} ms heard`);
    byId("barge-text").textContent = `${event.heard_ms.toLocaleString("en")} ms heard`;
    byId("barges").prepend(make("li", {}, make("span", { textContent: parts.join(", ") }), make("time", { textContent: clockTime.format(at) })));
    while (byId("barges").children.length > 4) byId("barges").lastChild.remove();
    this.mark(at, `heard ${(event.heard_ms / 1000).toFixed(2)} s`, "heard");
    closeUp.show({ onset: this.onset || this.cut || at, ducked: this.ducked, cut: this.cut || at, heardMs: event.heard_ms });
    this.onset = 0;
  },

  draw(now) {
    const { pen, width, height } = canvasOf("timeline");
    const x = (at) => width * (1 - (now - at) / SPAN_MS);
    const [answerY, youY, thick] = [height * 0.52, height * 0.8, Math.max(12, height * 0.13)];
    pen.font = `600 11px ${getComputedStyle(document.body).fontFamily}`;
    pen.fillStyle = colour("edge");
    for (let at = Math.ceil((now - SPAN_MS) / 1000) * 1000; at < now; at += 1000) pen.fillRect(x(at), 0, 1, height);
    pen.fillStyle = colour("edge");
    pen.fillRect(0, answerY, width, 1);
    pen.fillRect(0, youY, width, 1);
    for (const each of this.answers) this.block(pen, x, now, each, answerY, thick, each.kind);
    for (const each of this.speech) this.block(pen, x, now, each, youY, thick, "you", each.kind === "perhaps" ? 0.5 : 1);
    let row = 0;
    let free = -Infinity;
    for (const mark of this.marks) {
      const at = x(mark.at);
      if (at < -160) continue;
      row = at < free ? (row + 1) % 3 : 0;
      const y = 14 + 14 * row;
      pen.fillStyle = colour(mark.kind === "heard" ? "soft" : mark.kind);
      pen.fillRect(at - 1, y + 3, 2, youY + thick / 2 - y - 3);
      const text = pen.measureText(mark.label).width;
      const left = Math.min(at + 3, width - text - 4);
      pen.fillText(mark.label, left, y);
      free = left + text + 10;
    }
    pen.fillStyle = colour("soft");
    pen.fillText("answer", 8, answerY - thick / 2 - 4);
    pen.fillText("you", 8, youY - thick / 2 - 4);
  },

  block(pen, x, now, each, y, thick, name, opacity = 1) {
    const [from, to] = [x(each.from), x(each.to ?? now)];
    if (to < 0) return;
    const tall = each.kind === "ducked" ? thick * 0.5 : thick;
    pen.globalAlpha = opacity;
    pen.fillStyle = colour(name);
    pen.beginPath();
    pen.roundRect(from, y - tall / 2, Math.max(2, to - from), tall, Math.min(5, tall / 2));
    pen.fill();
    pen.globalAlpha = 1;
  },
};

/** The last barge-in, near enough to read its milliseconds: how the answer was lowered and cut after somebody began. */
const closeUp = {
  last: null,

  show(last) {
    this.last = last;
    byId("close-up").hidden = false;
    byId("close-up-text").textContent = `The last one, closer: silent ${Math.max(0, Math.round(last.cut - last.onset))} ms after the first sound`;
    this.draw();
  },

  draw() {
    if (this.last === null || byId("close-up").hidden) return;
    const { onset, ducked, cut } = this.last;
    const { pen, width, height } = canvasOf("close-up-picture");
    const before = 180;
    const span = before + Math.max(400, cut - onset) + 220;
    const x = (at) => ((at - onset + before) / span) * width;
    const step = span > 1600 ? 500 : 100;
    const [base, full] = [height - 42, height - 66];
    pen.font = `600 11px ${getComputedStyle(document.body).fontFamily}`;
    pen.textAlign = "center";
    for (let ms = 0; x(onset + ms) < width - 12; ms += step) {
      pen.fillStyle = colour("edge");
      pen.fillRect(x(onset + ms), 0, 1, height - 20);
      pen.fillStyle = colour("soft");
      if (ms % (2 * step) === 0) pen.fillText(ms === 0 ? "0 ms" : String(ms), x(onset + ms), height - 7);
    }
    const lowered = ducked || cut;
    pen.fillStyle = colour("answer");
    pen.beginPath();
    pen.moveTo(0, base - full);
    pen.lineTo(x(lowered), base - full);
    pen.lineTo(x(lowered), base);
    pen.lineTo(0, base);
    pen.fill();
    pen.fillStyle = colour("ducked");
    if (ducked) pen.fillRect(x(ducked), base - full * 0.32, x(cut) - x(ducked), full * 0.32);
    pen.fillStyle = colour("you");
    pen.beginPath();
    pen.roundRect(x(onset), base + 5, width - x(onset) + 8, 11, 5);
    pen.fill();
    pen.fillStyle = colour("cut");
    pen.fillRect(x(cut) - 1.5, 8, 3, base - 8);
    pen.textAlign = x(cut) > width - 50 ? "right" : "left";
    pen.fillText("cut", x(cut) + (pen.textAlign === "left" ? 6 : -6), 17);
    pen.textAlign = "left";
  },
};

connection.on("level", (event) => ears.take(event));
connection.on("near-speech", (event) => timeline.takeSpeech(event));
connection.on("playback", (event) => timeline.takePlayback(event));
connection.on("interrupted", (event) => timeline.takeInterruption(event));
connection.on("speech", (event) => {
  const at = clock.of(event);
  if (event.state === "started") timeline.open(timeline.speech, at, "sure");
  else timeline.close(timeline.speech, at);
});
connection.on("closed", () => {
  timeline.close(timeline.answers, Date.now());
  timeline.close(timeline.speech, Date.now());
});

let drawnAt = 0;
function drawAll(now) {
  requestAnimationFrame(drawAll);
  if (now - drawnAt < FRAME_MS || byId("box").hidden) return;
  drawnAt = now;
  ears.draw(Date.now());
  timeline.draw(Date.now());
}
addEventListener("resize", () => closeUp.draw());
requestAnimationFrame(drawAll);
