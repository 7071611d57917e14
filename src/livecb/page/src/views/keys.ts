import { useEffect } from "preact/hooks";

const KEPT = "livecb.keys";

/** Whether single keys do something: who speaks to the computer, or hits keys by accident, may want none. */
export function areKeysOn(): boolean {
  try {
    return localStorage.getItem(KEPT) !== "off";
  } catch {
    return true;
  }
}

export function turnKeys(on: boolean): void {
  try {
    if (on) localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, "off");
  } catch {
    // No storage: then keys stay on.
  }
}

/** Obey keys, unless they are typed into a field, or belong to a dialog or a menu that is open. */
export function useKeys(keys: Record<string, () => void>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
      if (/^(input|textarea|select)$/i.test(target.tagName) && (target as HTMLInputElement).type !== "radio") return;
      const press = keys[event.key];
      if (!press || (event.key.length === 1 && !areKeysOn())) return;
      // A `/` that leads to a field is not to be written into it.
      if (event.key === "/") event.preventDefault();
      press();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  });
}

/** Go to the field that finds something in what is shown. */
export function toFind(): void {
  const fields = [...document.querySelectorAll<HTMLInputElement>("main input.find")];
  const field = fields.find((each) => each.offsetParent !== null);
  field?.focus();
  field?.scrollIntoView({ block: "nearest" });
}
