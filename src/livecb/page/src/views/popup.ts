import { useEffect, useRef, useState } from "preact/hooks";

/** What opens at a button, and closes by Escape, by a press elsewhere, or when it is done. */
export function usePopup() {
  const [open, setOpen] = useState(false);
  const place = useRef<HTMLSpanElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  useEffect(() => {
    if (!open) return undefined;
    const onDown = (event: Event): void => void (place.current?.contains(event.target as Node) || setOpen(false));
    addEventListener("pointerdown", onDown);
    return () => removeEventListener("pointerdown", onDown);
  }, [open]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (!open || event.key !== "Escape") return;
    event.stopPropagation();
    close();
  };
  return { open, close, place: { ref: place, onKeyDown }, button: { ref: button, "aria-expanded": open, onClick: () => setOpen(!open) } };
}
