// Tells the server the viewer's time zone, in a cookie. Runs before the page is drawn; a page in another zone is asked for again, once.
(() => {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = document.cookie.split("; ").find((part) => part.startsWith("tapedeck_zone="));
  if (!zone || known === `tapedeck_zone=${zone}`) return;
  document.cookie = `tapedeck_zone=${zone}; path=/; max-age=34560000; samesite=lax`;
  const stuck = !document.cookie.includes("tapedeck_zone=");
  if (!stuck && known) location.reload();
})();
