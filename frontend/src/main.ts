document.body.textContent = "Civic Crowd Map";
