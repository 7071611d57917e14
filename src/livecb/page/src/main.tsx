import { render } from "preact";
import { App } from "./views/app";
import "./styles/base.css";
import "./styles/run.css";
import "./styles/charts.css";
import "./styles/side.css";
import "./styles/console.css";
import "./styles/control.css";
import "./styles/list.css";
import "./styles/board.css";
import "./styles/media.css";
import "./styles/telling.css";
import "./styles/everyone.css";

const root = document.getElementById("app") as HTMLElement;
// What is there tells those whose browser comes no further.
root.replaceChildren();
render(<App />, root);
