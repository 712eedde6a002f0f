// The lights: drawn from what the box has written to its lamps. The page computes no pattern of its own.

const SVG = "http://www.w3.org/2000/svg";
const LED_COLOURS = { listening: [0.3, 0.6, 1], speaking: [0.3, 1, 0.5], status: [1, 0.75, 0.3] };
const RING = 78;

function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

const lights = {
  drawn: "",
  pixels: [],

  show(lamps) {
    const colours = lamps.flatMap((lamp) => lamp.pixels.map((pixel) => this.seen(lamp, pixel)));
    const names = lamps.flatMap((lamp) => lamp.pixels.map(() => lamp.leds.join(" + ")));
    this.draw(colours.length, names);
    colours.forEach((colour, index) => this.light(this.pixels[index], colour));
  },

  /** A plain LED is on or off and has a colour of its own; the box knows only which one it is. */
  seen(lamp, pixel) {
    if (lamp.leds.length === 0) return pixel;
    const own = lamp.leds.length > 1 ? [1, 1, 1] : (LED_COLOURS[lamp.leds[0]] ?? [1, 1, 1]);
    return own.map((part) => part * Math.max(...pixel));
  },

  draw(count, names) {
    const wanted = `${count} ${names.join()}`;
    if (wanted === this.drawn) return;
    this.drawn = wanted;
    const isRing = names.every((name) => name === "") && count > 3;
    byId("phase").parentElement.classList.toggle("low", !isRing && count > 0);
    const root = byId("lights");
    root.replaceChildren();
    this.pixels = names.map((name, index) => {
      const angle = (2 * Math.PI * index) / count - Math.PI / 2;
      const x = isRing ? 100 + RING * Math.cos(angle) : 100 + (index - (count - 1) / 2) * 46;
      const y = isRing ? 100 + RING * Math.sin(angle) : 84;
      const size = isRing ? Math.min(8, 150 / count) : 9;
      const glow = shape("circle", { cx: x, cy: y, r: size * 2.4 });
      glow.style.filter = "blur(7px)";
      const lamp = shape("circle", { cx: x, cy: y, r: size });
      root.append(glow, lamp);
      if (name) {
        const label = shape("text", { x, y: y + 26 });
        label.textContent = name;
        root.append(label);
      }
      return { glow, lamp };
    });
  },

  light({ glow, lamp }, colour) {
    const level = Math.max(...colour);
    const full = colour.map((part) => Math.round(255 * (level > 0 ? part / level : 0)));
    const shown = `rgb(${full.join(" ")})`;
    glow.style.fill = shown;
    glow.style.opacity = 0.75 * level;
    lamp.style.fill = level > 0 ? `color-mix(in srgb, ${shown} ${Math.round(30 + 70 * level)}%, #20242f)` : "#20242f";
  },
};

connection.on("lights", ({ lamps }) => lights.show(lamps));
