// Runs before the first paint, so that nobody sees a flash of the other theme or a wrong language for a screen reader.
(function () {
  var root = document.documentElement, stored = /** @type {{language?: string, theme?: string}} */ ({});
  try { stored = JSON.parse(localStorage.getItem("cc.look") || "{}"); } catch { /* private mode: the system decides */ }
  var language = stored.language || (navigator.language || "en").slice(0, 2);
  root.lang = language === "es" ? "es" : "en";
  if (stored.theme === "light" || stored.theme === "dark") root.dataset.theme = stored.theme;
})();
