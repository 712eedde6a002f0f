// Timers and alarms, personas, failures and the doctor: lists that are fetched when something may have changed.

function seconds(left) {
  const whole = Math.max(0, Math.round(left));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A row of a list: what it is, with a smaller line below, and its buttons. */
function row(what, below, ...rest) {
  return make("li", {}, make("span", { className: "what" }, what, below ? make("small", { textContent: below }) : null), ...rest);
}

function button(text, label, act, className = "small") {
  return make("button", { type: "button", className, textContent: text, "aria-label": label, onclick: act });
}

const timers = {
  running: [],

  async refresh() {
    try {
      const { timers: running, alarms } = await connection.ask("timers");
      this.running = running.map((each) => ({ ...each, ends: Date.now() + 1000 * each.seconds_left }));
      this.show(alarms);
    } catch {
      this.running = [];
      this.show([]);
    }
  },

  show(alarms) {
    const rows = this.running.map((each) => {
      each.left = make("span", { className: "left" });
      const name = each.label || "Timer";
      // By its number: another may have the same name, or be set for as long.
      const { id } = each;
      const cancel = () => this.act("cancel_timers", { id });
      const longer = () => this.act("change_timer", { id, seconds: 60 });
      const hold = () => this.act(each.paused ? "resume_timer" : "pause_timer", { id });
      const word = each.paused ? "Resume" : "Pause";
      const isDue = each.seconds_left <= 0;
      const below = `of ${seconds(each.set_for_seconds)}${each.paused ? ", paused" : isDue ? ", is up" : ""}`;
      const buttons = [button("+1 min", `+1 min for ${name}`, longer), button("Cancel", `Cancel ${name}`, cancel)];
      if (!isDue) buttons.unshift(button(word, `${word} ${name}`, hold));
      return row(name, below, each.left, make("span", { className: "buttons" }, ...buttons));
    });
    for (const each of alarms) {
      const clock = each.rings_at.slice(-5);
      const name = each.label || (each.kind === "alarm" ? "Alarm" : "Reminder");
      const cancel = () => this.act("cancel_alarms", { id: each.id });
      const day = each.rings_at.slice(0, -6) + (each.recurs ? `, ${each.recurs}` : "");
      rows.push(row(name, day, make("span", { className: "left", textContent: clock }), button("Cancel", `Cancel ${name} at ${clock}`, cancel)));
    }
    byId("timers").replaceChildren(...rows);
    byId("no-timers").hidden = rows.length > 0;
    this.tick();
  },

  tick() {
    const left = (each) => (each.paused ? each.seconds_left : (each.ends - Date.now()) / 1000);
    for (const each of this.running) if (each.left) each.left.textContent = seconds(left(each));
    const next = this.running.filter((each) => !each.paused && left(each) > 0).reduce((first, each) => (!first || each.ends < first.ends ? each : first), null);
    byId("next").hidden = !next;
    if (next) byId("next").textContent = `${next.label || "Timer"}: ${seconds(left(next))}`;
  },

  async act(action, args) {
    await attempt("timers", { action, arguments: args });
    await this.refresh();
  },
};

setInterval(() => timers.tick(), 1000);
// Somebody else may set a timer too, by a button of another page or of the house.
setInterval(() => !document.hidden && connection.isOpen && connection.emit("lists"), 20000);
connection.on("lists", () => timers.refresh());
connection.on("refresh", () => timers.refresh());
connection.on("ring", () => timers.refresh());
connection.on("tool", ({ state }) => state === "finished" && timers.refresh());
connection.on("ringing", ({ ringing }) => {
  byId("ringing").hidden = !ringing;
  timers.refresh();
});
byId("ring-stop").addEventListener("click", () => attempt("stop"));
byId("ring-snooze").addEventListener("click", () => timers.act("snooze", {}));
byId("timer-form").addEventListener("submit", (event) => {
  event.preventDefault();
  timers.act("set_timer", { seconds: Math.round(60 * Number(byId("timer-minutes").value)), label: byId("timer-label").value.trim() });
  byId("timer-label").value = "";
});
byId("alarm-form").addEventListener("submit", (event) => {
  event.preventDefault();
  timers.act("set_alarm", { time: byId("alarm-time").value.slice(0, 5), label: byId("alarm-label").value.trim() });
  byId("alarm-label").value = "";
});

const personas = {
  editing: "",

  async refresh() {
    try {
      this.show(await connection.ask("personas"));
    } catch (refusal) {
      byId("personas").replaceChildren();
      byId("no-personas").hidden = false;
      byId("no-personas").textContent = refusal.message;
      byId("persona-new").hidden = byId("persona-form").hidden = true;
    }
  },

  show({ in_force: inForce, personas: all, can_undo: canUndo }) {
    byId("no-personas").hidden = true;
    byId("persona-new").hidden = false;
    byId("persona-undo").disabled = !canUndo;
    byId("personas").replaceChildren(
      ...all.map((each) => {
        const below = [each.version ? `version ${each.version}` : each.ships ? "as it ships" : "", each.draft ? "a draft waits" : ""].filter(Boolean).join(", ");
        const isOwn = each.name !== "default";
        const isNow = each.name === inForce;
        return row(
          each.name,
          below,
          isNow ? make("span", { className: "in-force", textContent: "answers" }) : null,
          isOwn ? button("Edit", `Edit ${each.name}`, () => this.edit(each.name)) : null,
          each.draft ? button("Drop", `Drop the draft of ${each.name}`, () => this.change("drop", each.name)) : null,
          !isNow || each.draft ? button("Activate", `Activate ${each.name}`, () => this.change("activate", each.name)) : null,
        );
      }),
    );
  },

  async change(action, name = "", text = "") {
    const reply = await attempt("personas", { action, name, text });
    if (reply) this.show(reply);
    return reply !== null;
  },

  async edit(name) {
    const reply = await attempt("personas", { action: "show", name });
    if (!reply) return;
    this.editing = name;
    byId("persona-text-label").textContent = `${name}${reply.draft ? ", the draft" : ""}`;
    byId("persona-text").value = reply.text;
    byId("persona-form").hidden = false;
    byId("persona-text").focus();
  },
};

connection.on("refresh", () => personas.refresh());
connection.on("lists", () => personas.refresh());
byId("persona-undo").addEventListener("click", () => personas.change("undo"));
byId("persona-close").addEventListener("click", () => (byId("persona-form").hidden = true));
byId("persona-new").addEventListener("submit", (event) => {
  event.preventDefault();
  personas.edit(byId("persona-name").value.trim());
  byId("persona-name").value = "";
});
byId("persona-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  if (await personas.change("draft", personas.editing, byId("persona-text").value)) byId("persona-form").hidden = true;
});

const SIGNS = { fine: "✓", wrong: "✗", doubtful: "!", skipped: "–" };
const dayTime = new Intl.DateTimeFormat([], { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

async function showFailures() {
  try {
    const { failures } = await connection.ask("why", { most: 5 });
    byId("failures").replaceChildren(
      ...failures.map((each) => row(sentence([each.problem, ...each.circumstances].join("; ")), `${dayTime.format(Date.parse(each.at))} → ${each.remedy}`)),
    );
    byId("no-failures").hidden = failures.length > 0;
  } catch {
    byId("failures").replaceChildren();
  }
}

connection.on("refresh", showFailures);
connection.on("light", ({ light }) => light === "fault" && setTimeout(showFailures, 500));
byId("examine").addEventListener("click", async () => {
  byId("examine").disabled = true;
  byId("doctor-news").hidden = false;
  byId("doctor-news").textContent = "Looking at everything; this takes some seconds.";
  const reply = await attempt("doctor");
  byId("examine").disabled = false;
  if (!reply) {
    byId("doctor-news").textContent = "Not examined.";
    return;
  }
  const order = ["wrong", "doubtful", "fine", "skipped"];
  const found = [...reply.findings].sort((one, other) => order.indexOf(one.mark) - order.indexOf(other.mark));
  byId("doctor-news").textContent = `${reply.is_fine ? "Nothing is broken" : "Something is broken"}, at ${clockTime.format(Date.now())}.`;
  byId("findings").replaceChildren(
    ...found.map((each) => {
      const sign = make("span", { className: `sign ${each.mark}`, textContent: SIGNS[each.mark] ?? "?", role: "img", "aria-label": each.mark });
      const shown = row(`${each.name}: ${each.text}`, each.remedy ? `→ ${each.remedy}` : "");
      shown.prepend(sign);
      return shown;
    }),
  );
});
