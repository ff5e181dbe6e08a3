// @ts-check
import { html } from "htm/preact";
import { useEffect, useRef, useState } from "preact/hooks";
import * as api from "./api.js";
import { language, long, speak, t } from "./i18n.js";
import { choose, draw, remembered, wear } from "./look.js";

void speak(remembered().language).then(() => draw(html`<${SignIn} />`));

function SignIn() {
  // A sentence is said again when the language changes.
  const [said, setSaid] = useState(/** @type {{sentence: () => string} | null} */ (null));
  const problem = said?.sentence() ?? "";
  const [busy, setBusy] = useState(false);
  const error = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => { document.title = `${problem ? t("sign_in.error_title") : ""}${t("sign_in.title")}`; }, [problem, language()]);
  useEffect(() => {
    if (said) error.current?.focus();
  }, [said]);
  const send = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (busy) return;
    const form = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const username = String(form.get("username")).trim(), password = String(form.get("password"));
    if (!username || !password) return setSaid({ sentence: () => t("sign_in.both") });
    setBusy(true);
    setSaid(null);
    setSaid(await entering(username, password));
    setBusy(false);
  };
  return html`<main class="sign-in">
    <div class="sign-in-brand"><span class="brand-mark large" aria-hidden="true"></span><h1>${t("sign_in.title")}</h1><p class="muted">${t("sign_in.hint")}</p></div>
    <form onSubmit=${send} novalidate aria-busy=${busy ? "true" : "false"}>
      ${problem && html`<p class="sign-in-error" role="alert" tabindex="-1" ref=${error}>${problem}</p>`}
      <label class="field"><span>${t("sign_in.username")}</span><input name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required aria-invalid=${problem ? "true" : undefined} /></label>
      <${Password} wrong=${problem !== ""} />
      <button type="submit" class="primary wide" aria-disabled=${busy ? "true" : undefined}>${busy ? t("sign_in.busy") : t("sign_in.submit")}</button>
    </form>
    <${Look} />
  </main>`;
}

/** @param {string} username @param {string} password @returns {Promise<{sentence: () => string} | null>} what to say, null when signed in */
async function entering(username, password) {
  try {
    await wear(await api.signIn(username, password));
    location.assign(nextPage());
    return null;
  } catch (error) {
    return { sentence: () => why(error) };
  }
}

/** @param {unknown} error */
function why(error) {
  if (!(error instanceof api.Refused)) return t("error.unreached");
  const { slug, retry_after, detail } = error.problem;
  if (slug === "too-many-attempts") return t("sign_in.too_many", { time: long(retry_after ?? 60) });
  return slug === "wrong-credentials" ? t("sign_in.wrong") : detail || t(`problem.${slug}`);
}

/** Only a path of this site: an address in the query must not send anybody elsewhere. */
function nextPage() {
  const next = new URLSearchParams(location.search).get("next") ?? "";
  return /^\/(agent|supervisor)(\/[\w/-]*)?$/.test(next) ? next : "/agent";
}

/** @param {{wrong: boolean}} given */
function Password({ wrong }) {
  const [shown, show] = useState(false);
  return html`<div class="field"><label for="password">${t("sign_in.password")}</label><span class="password">
    <input id="password" name="password" type=${shown ? "text" : "password"} autocomplete="current-password" required aria-invalid=${wrong ? "true" : undefined} />
    <button type="button" aria-pressed=${shown ? "true" : "false"} onClick=${() => show(!shown)}>${t("sign_in.show")}</button></span></div>`;
}

function Look() {
  const now = remembered();
  const [theme, setTheme] = useState(now.theme);
  return html`<div class="sign-in-look">
    <fieldset class="segments"><legend class="hidden">${t("user.language")}</legend>${["en", "es"].map((code) => html`<label key=${code} lang=${code}><input type="radio" name="language" checked=${language() === code} onChange=${() => choose({ language: code })} /><span>${t(`language.${code}`)}</span></label>`)}</fieldset>
    <fieldset class="segments"><legend class="hidden">${t("user.theme")}</legend>${["system", "light", "dark"].map((value) => html`<label key=${value}><input type="radio" name="theme" checked=${theme === value} onChange=${() => { setTheme(value); void choose({ theme: value }); }} /><span>${t(`theme.${value}`)}</span></label>`)}</fieldset>
  </div>`;
}
