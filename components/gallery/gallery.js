// The hits as cards. Pointing at one lights its outline on the map, and the other way round, without Python.

import { hear, tell } from "../shared/bus.js";
import { followTheme, h, useStyle } from "../shared/dom.js";
import { Selection } from "../shared/selection.js";

const galleries = new WeakMap(); // parent → Gallery

export default async function render(component) {
  const { data, parentElement } = component;
  await Promise.all([useStyle(data.shared), useStyle(data.style)]);
  if (!galleries.has(parentElement)) galleries.set(parentElement, new Gallery(parentElement));
  const gallery = galleries.get(parentElement);
  gallery.update(component);
  return () => parentElement.isConnected || gallery.leave();
}

class Gallery {
  constructor(parent) {
    this.list = h("ol", { class: "ph-cards" });
    this.root = h("section", { class: "ph ph-gallery", "aria-label": "Hits" }, this.list);
    this.list.addEventListener("keydown", (event) => this.step(event));
    this.selection = new Selection((id) => this.select(id));
    this.stop = [hear("hover", ({ id }) => this.light(id)), this.selection.stop];
    parent.append(this.root);
  }

  update({ data, setTriggerValue }) {
    this.say = setTriggerValue;
    followTheme(this.root);
    this.root.style.maxHeight = data.height ? `${data.height}px` : "";
    const print = JSON.stringify([data.cards, data.note]);
    if (print !== this.print) {
      this.print = print;
      this.fill(data);
      this.select(this.selection.id);
    }
    this.selection.follow(data.selected);
  }

  fill({ cards, note }) {
    const focused = document.activeElement?.closest?.(".ph-card")?.dataset.id;
    const items = cards.map((card) => h("li", {}, this.card(card)));
    const remark = note ? h("li", { class: cards.length ? "ph-remark" : "ph-remark ph-empty" }, note) : null;
    const relevant = cards.filter((card) => card.relevant).length;
    if (remark) items.splice(relevant, 0, remark);
    this.list.replaceChildren(...items);
    if (focused) this.find(focused)?.focus({ preventScroll: true });
  }

  card({ tile_id: id, rank, title, lines, colour, bar, thumbnail, relevant }) {
    const picture = thumbnail ? h("img", { src: thumbnail, alt: "", width: 72, height: 72, loading: "lazy", decoding: "async" }) : h("span", { class: "ph-nothing" });
    return h(
      "button",
      {
        type: "button",
        class: "ph-card",
        "data-id": id,
        "data-faint": !relevant,
        "aria-pressed": "false",
        style: { "--ph-hit": colour },
        onmouseenter: () => tell("hover", { id }),
        onmouseleave: () => tell("hover", { id: null }),
        onfocus: () => tell("hover", { id }),
        onblur: () => tell("hover", { id: null }),
        onclick: () => this.pick(id),
      },
      h("span", { class: "ph-thumb" }, picture, h("span", { class: "ph-rank", "aria-hidden": "true" }, rank)),
      h(
        "span",
        { class: "ph-words" },
        h("strong", {}, title),
        ...lines.map((line) => h("span", {}, line)),
        h("span", { class: "ph-bar" }, h("span", { class: "ph-bar-full", style: { clipPath: `inset(0 ${100 * (1 - bar)}% 0 0 round 3px)` } })),
      ),
    );
  }

  pick(id) {
    tell("pick", { id });
    this.say("picked", id);
  }

  find(id) {
    return [...this.list.querySelectorAll(".ph-card")].find((card) => card.dataset.id === id);
  }

  light(id) {
    for (const card of this.list.querySelectorAll(".ph-lit")) card.classList.remove("ph-lit");
    const card = id && this.find(id);
    if (!card) return;
    card.classList.add("ph-lit");
    this.reveal(card);
  }

  /** Scroll the list, never the page. */
  reveal(card) {
    const [outer, inner] = [this.root.getBoundingClientRect(), card.getBoundingClientRect()];
    if (this.root.scrollHeight <= this.root.clientHeight) return;
    if (inner.top < outer.top) this.root.scrollTop -= outer.top - inner.top;
    if (inner.bottom > outer.bottom) this.root.scrollTop += inner.bottom - outer.bottom;
  }

  select(id) {
    for (const card of this.list.querySelectorAll(".ph-card")) card.setAttribute("aria-pressed", String(card.dataset.id === id));
  }

  step(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const cards = [...this.list.querySelectorAll(".ph-card")];
    const at = cards.indexOf(document.activeElement);
    if (!step || at < 0) return;
    event.preventDefault();
    event.stopPropagation();
    cards[Math.min(Math.max(at + step, 0), cards.length - 1)].focus();
  }

  leave() {
    this.stop.forEach((stop) => stop());
    this.root.remove();
  }
}
