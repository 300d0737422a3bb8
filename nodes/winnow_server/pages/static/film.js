"use strict";
// A time in the table of frames moves the video there.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-seek]");
  const video = document.querySelector("video");
  if (!link || !video) return;
  event.preventDefault();
  video.pause();
  video.currentTime = Number(link.dataset.seek);
  video.scrollIntoView({ block: "nearest" });
});
