// Another language keeps the rest of the address: the theme, say.
for (const link of element.querySelectorAll("a.language"))
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const address = new URL(location.href);
    address.searchParams.set("lang", link.dataset.language);
    location.assign(address);
  });
