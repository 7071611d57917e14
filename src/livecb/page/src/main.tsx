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

render(<App />, document.getElementById("app") as HTMLElement);
