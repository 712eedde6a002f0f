// The page as a whole: paired or not, colours, sections.

const pairing = {
  show(state) {
    byId("box").hidden = byId("tabs").hidden = true;
    byId("pair").hidden = false;
    byId("pair-title").textContent = state === "lapsed" ? "This pairing has ended" : "Pair this browser";
    byId("pair-why").textContent =
      state === "lapsed"
        ? "It has expired, or somebody has revoked it. Pair this browser again, beside the box."
        : "Only somebody who stands beside the box can open this page.";
    byId("link").dataset.state = "";
    byId("link-text").textContent = state === "lapsed" ? "Pairing ended" : "Not paired";
    this.step(0);
  },

  step(number) {
    [...document.querySelectorAll(".steps li")].forEach((each, index) => each.classList.toggle("current", index === number));
    byId("pair-begin").disabled = number !== 0;
    byId("digits").disabled = byId("pair-answer").disabled = number !== 2;
    if (number === 2) byId("digits").focus();
  },

  news(text) {
    byId("pair-news").textContent = text;
  },

  async begin() {
    this.news("");
    byId("pair-begin").disabled = true;
    try {
      await connection.ask("pair-begin");
      this.step(2);
    } catch (refusal) {
      this.news(refusal.message);
      this.step(0);
    }
  },

  async answer() {
    this.news("");
    try {
      const { ticket } = await connection.ask("pair-answer", { digits: byId("digits").value });
      const entered = await fetch("/enter", { headers: { "X-Edgevoice-Ticket": ticket } });
      if (!entered.ok) throw new Refusal({ problem: "the page did not let this browser in", remedy: "Begin again." });
      connection.renew();
    } catch (refusal) {
      this.news(refusal.message);
      byId("digits").value = "";
      if (refusal.code === "wrong-digits") byId("digits").focus();
      else this.step(0);
    }
  },
};

connection.on("page", ({ state }) => {
  if (state !== "paired") {
    pairing.show(state);
    return;
  }
  byId("pair").hidden = true;
  byId("box").hidden = byId("tabs").hidden = false;
});
connection.on("pairing", ({ state }) => state === "waiting" && pairing.step(1));
connection.on("closed", ({ lapsed }) => {
  byId("link").dataset.state = "off";
  byId("link-text").textContent = lapsed ? "Pairing ended" : "Connecting";
  if (lapsed) pairing.show("lapsed");
  else byId("box").setAttribute("inert", "");
});
byId("pair-begin").addEventListener("click", () => pairing.begin());
byId("pair-form").addEventListener("submit", (event) => {
  event.preventDefault();
  pairing.answer();
});
byId("forget").addEventListener("click", async () => {
  if ((await attempt("forget-me")) === null) return;
  await fetch("/leave", { headers: { "X-Edgevoice-Ticket": "leave" } });
  connection.renew();
});

const THEMES = { "": ["◐", "as the system"], light: ["☀", "light"], dark: ["☾", "dark"] };
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
const theme = {
  chosen: localStorage.getItem("theme") ?? "",

  show() {
    const dark = this.chosen === "" ? prefersDark.matches : this.chosen === "dark";
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    const [sign, name] = THEMES[this.chosen] ?? THEMES[""];
    byId("theme-sign").textContent = sign;
    byId("theme").setAttribute("aria-label", `Colours: ${name}`);
    closeUp.draw();
  },

  next() {
    const names = Object.keys(THEMES);
    this.chosen = names[(names.indexOf(this.chosen) + 1) % names.length];
    localStorage.setItem("theme", this.chosen);
    this.show();
  },
};
prefersDark.addEventListener("change", () => theme.show());
byId("theme").addEventListener("click", () => theme.next());
theme.show();

const seen = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      for (const link of byId("tabs").children) {
        if (link.hash === `#${target.id}` || (link.hash === "#main" && target.classList.contains("hero"))) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    }
  },
  { rootMargin: "-45% 0px -50% 0px" },
);
for (const target of document.querySelectorAll(".hero, #words-card, #timers-card, #personas-card, #settings-card, #health-card")) seen.observe(target);

connection.open();
