// What is said where a passkey did not work; the steps themselves are allauth's.
"use strict";
document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  for (const words of document.querySelectorAll("[data-passkey-trouble]")) words.hidden = false;
});
