"""An exported MP4 in a real Chromium: it says that it can play it, loads it, and shows the frames. No server is needed."""

from __future__ import annotations

import base64

import pytest
from PIL import Image
from playwright.sync_api import Browser

from engine.fog.export import Shot, write_animation
from tests.browser.conftest import visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WATCH = """async (source) => {
  const video = Object.assign(document.createElement('video'), { muted: true, src: source });
  await new Promise((done, failed) => { video.onloadeddata = done; video.onerror = () => failed(new Error(video.error.message)); });
  const colour = async (time) => {
    const shown = new Promise((done) => { // “seeked” may come before the frame can be drawn
      const look = (_, frame) => (Math.abs(frame.mediaTime - time) < 0.2 ? done() : video.requestVideoFrameCallback(look));
      video.requestVideoFrameCallback(look);
    });
    video.currentTime = time;
    await shown;
    const canvas = Object.assign(document.createElement('canvas'), { width: video.videoWidth, height: video.videoHeight });
    const pen = canvas.getContext('2d');
    pen.drawImage(video, 0, 0);
    return [...pen.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3);
  };
  const [first, last] = [await colour(0.05), await colour(video.duration - 0.05)];
  await video.play();
  await new Promise((done) => { video.onended = done; });
  return {
    said: video.canPlayType('video/mp4; codecs="vp09.00.10.08"'),
    size: [video.videoWidth, video.videoHeight],
    duration: video.duration,
    first,
    last,
    ended: video.ended,
  };
}"""
RED, BLUE = (200, 40, 30), (20, 60, 180)


def test_chromium_plays_the_exported_film(browser: Browser) -> None:
    shots = [Shot(Image.new("RGB", (161, 101), colour), hold=4) for colour in (RED, BLUE)]
    film = base64.b64encode(write_animation(shots, "mp4", rate=8)).decode()
    with visit(browser) as visited:
        visited.page.goto("about:blank")
        seen = visited.page.evaluate(WATCH, f"data:video/mp4;base64,{film}")
        assert visited.complaints == []
    assert seen["said"] == "probably"
    assert seen["size"] == [160, 100]
    assert seen["duration"] == pytest.approx(1.0, abs=0.05)
    assert seen["first"] == pytest.approx(RED, abs=16)
    assert seen["last"] == pytest.approx(BLUE, abs=16)
    assert seen["ended"]
