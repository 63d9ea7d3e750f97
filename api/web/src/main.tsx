/** This file knows where the explorer begins. */
import { render } from "preact";
import { followLinks } from "./place";
import "./theme";
import "./style.css";
import "./views/search/search.css";
import "./views/model/model.css";
import "./views/compare/compare.css";
import { Page } from "./page";

followLinks();
const app = document.getElementById("app");
if (app) render(<Page />, app);
