// How a component without a memory of its own comes onto the page: one object a parent element, told of every run.

import { useStyle } from "./dom.js";

/** The default export of a component. `Kind` is built with its parent element and has `update(component)` and `leave()`. */
export function mounting(Kind) {
  const known = new WeakMap(); // parent → Kind
  return async (component) => {
    const { data, parentElement } = component;
    await Promise.all([useStyle(data.shared), useStyle(data.style)]);
    if (!known.has(parentElement)) known.set(parentElement, new Kind(parentElement));
    const one = known.get(parentElement);
    one.update(component);
    return () => {
      if (parentElement.isConnected) return;
      known.delete(parentElement);
      one.leave();
    };
  };
}
