// The settings: shown as the file has them, checked as they are typed, and written only when somebody saves.

const settings = {
  mayWrite: false,
  changes: new Map(),
  checking: 0,
  open: new Set(),

  async refresh() {
    const reply = await attempt("settings");
    if (!reply || this.changes.size) return;
    byId("settings-file").textContent = reply.file;
    this.showFaults(byId("settings-faults"), reply.faults);
    this.mayWrite = reply.may_write;
    byId("settings").replaceChildren(...reply.sections.map((section) => this.section(section)));
    this.find();
  },

  section({ name, about, settings: rows }) {
    const details = make(
      "details",
      { open: this.open.has(name), ontoggle: ({ target }) => (target.open ? this.open.add(name) : this.open.delete(name)) },
      make("summary", {}, name, make("small", { textContent: about })),
      ...rows.filter((row) => this.mayChange(row)).map((row) => this.setting(row)),
      rows.some((row) => this.mayChange(row)) && !rows.every((row) => this.mayChange(row))
        ? make("p", { className: "setting-group", textContent: "Changed only in the file" })
        : null,
      ...rows.filter((row) => !this.mayChange(row)).map((row) => this.setting(row)),
    );
    return details;
  },

  mayChange(row) {
    return row.may_change && this.mayWrite;
  },

  setting(row) {
    const id = `setting-${row.name}`;
    const mayChange = this.mayChange(row);
    const editor = mayChange ? this.editor(row, id) : make("code", { textContent: written(row.value) });
    const name = row.name.split(".")[1].replaceAll("_", " ");
    const title = mayChange ? make("label", { textContent: name, for: id }) : make("span", { className: "name", textContent: name });
    const unit = row.unit && row.unit !== "BCM number of the pin" ? ` In ${row.unit}.` : "";
    const range = row.low !== undefined && row.low !== null ? ` ${row.low} to ${row.high}.` : "";
    const about = make("p", { className: "about", textContent: `${row.about}${range}${unit}` });
    if (mayChange) {
      about.id = `${id}-about`;
      editor.setAttribute("aria-describedby", about.id);
    }
    const reset = mayChange && row.is_set ? button("Default", `Default of ${name}: ${written(row.default)}`, () => this.reset(row, editor), "small quiet") : null;
    const news = make("p", { className: "faults" });
    const element = make("div", { className: `setting ${row.kind}` }, title, about, make("div", { className: "value" }, editor, reset), news);
    element.dataset.name = row.name;
    element.dataset.find = `${row.name} ${name} ${row.about}`.toLowerCase();
    return element;
  },

  editor(row, id) {
    const changed = ({ target }) => this.change(row, valueOf(row, target));
    switch (row.kind) {
      case "switch":
        return make("input", { type: "checkbox", id, checked: row.value, onchange: changed, role: "switch" });
      case "choice":
        return make("select", { id, onchange: changed }, ...row.choices.map((each) => make("option", { value: each, textContent: each, selected: each === row.value })));
      case "number": {
        const editor = make("input", { type: "number", id, step: row.step, value: row.value ?? "", oninput: changed, placeholder: row.default === null ? "the service decides" : String(row.default) });
        return editor;
      }
      case "long":
        return make("textarea", { id, rows: 6, value: row.value, oninput: changed });
      default:
        return make("input", { type: row.kind === "time" ? "time" : "text", id, value: row.value, oninput: changed });
    }
  },

  reset(row, editor) {
    if (row.kind === "switch") editor.checked = row.default;
    else editor.value = row.default ?? "";
    this.change(row, null);
  },

  change(row, value) {
    if (value === row.value || (value === null && !row.is_set)) this.changes.delete(row.name);
    else this.changes.set(row.name, value);
    document.querySelector(`[data-name="${row.name}"]`).classList.toggle("changed", this.changes.has(row.name));
    this.showChanges();
    clearTimeout(this.checking);
    this.checking = setTimeout(() => this.check(), 250);
  },

  showChanges() {
    const count = this.changes.size;
    byId("settings-changes").hidden = count === 0;
    byId("settings-count").textContent = count === 1 ? "1 change, not saved yet" : `${count} changes, not saved yet`;
  },

  async check() {
    let faults = [];
    if (this.changes.size) {
      const reply = await attempt("settings-check", { changes: Object.fromEntries(this.changes) });
      if (!reply) return;
      faults = reply.faults;
    }
    this.showRefused(faults);
  },

  showRefused(faults) {
    for (const element of document.querySelectorAll(".setting")) {
      element.classList.remove("refused");
      element.querySelector(".faults").textContent = "";
    }
    for (const fault of faults) {
      const name = [...this.changes.keys()].find((each) => fault.includes(each));
      const element = name && document.querySelector(`[data-name="${name}"]`);
      if (!element) continue;
      element.classList.add("refused");
      element.querySelector(".faults").textContent = fault;
    }
    this.showFaults(byId("settings-news"), faults);
    byId("settings-save").disabled = faults.length > 0;
  },

  showFaults(place, faults) {
    place.hidden = faults.length === 0;
    place.replaceChildren(...faults.map((fault) => make("p", { textContent: fault })));
  },

  async save() {
    byId("settings-save").disabled = true;
    const reply = await attempt("settings-write", { changes: Object.fromEntries(this.changes) });
    byId("settings-save").disabled = false;
    if (!reply) return;
    if (reply.faults.length) {
      this.showRefused(reply.faults);
      return;
    }
    toast(reply.remark ? `Saved: ${reply.remark}.` : "Saved, and in force.");
    this.discard();
  },

  discard() {
    this.changes.clear();
    this.showChanges();
    this.showFaults(byId("settings-news"), []);
    this.refresh();
  },

  find() {
    const wanted = byId("settings-search").value.trim().toLowerCase();
    for (const details of byId("settings").children) {
      let any = false;
      for (const element of details.querySelectorAll(".setting")) {
        element.hidden = wanted !== "" && !element.dataset.find.includes(wanted);
        any ||= !element.hidden;
      }
      details.hidden = !any;
      if (wanted) details.open = any;
    }
  },
};

function written(value) {
  if (value === null || value === undefined) return "not set";
  return Array.isArray(value) ? value.join(", ") || "none" : String(value) || "empty";
}

function valueOf(row, target) {
  if (row.kind === "switch") return target.checked;
  if (row.kind !== "number") return target.value;
  return target.value === "" ? null : Number(target.value);
}

connection.on("refresh", () => settings.refresh());
byId("settings-search").addEventListener("input", () => settings.find());
byId("settings-save").addEventListener("click", () => settings.save());
byId("settings-discard").addEventListener("click", () => settings.discard());
