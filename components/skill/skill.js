// What a forecast is worth: a sentence for each lead, beside what persistence would have been worth.

import { Asker } from "../shared/asking.js";
import { followTheme, h } from "../shared/dom.js";
import { mounting } from "../shared/mount.js";

export default mounting(
  class Skill {
    constructor(parent) {
      this.root = h("section", { class: "ph ph-skill", "aria-label": "Forecast and its skill", "aria-live": "polite" });
      this.asker = new Asker();
      parent.append(this.root);
    }

    update({ data }) {
      followTheme(this.root);
      if (data.url === this.url) return;
      this.url = data.url;
      this.ask();
    }

    async ask() {
      this.say("The forecast is being made.");
      try {
        const record = await this.asker.ask(this.url);
        if (record) this.show(record);
      } catch (error) {
        this.say(error.message);
      }
    }

    say(words) {
      this.root.replaceChildren(h("p", { class: "ph-remark-line" }, words));
    }

    show({ words, notes }) {
      const lines = (words ?? []).map((line) => h("li", {}, line));
      this.root.replaceChildren(h("ul", {}, ...lines), ...(notes ?? []).map((note) => h("p", { class: "ph-remark-line" }, note)));
    }

    leave() {
      this.asker.forget();
      this.root.remove();
    }
  },
);
