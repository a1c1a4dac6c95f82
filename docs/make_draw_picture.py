"""Take the README's picture of the page to draw on: python docs/make_draw_picture.py.

Trains the model of `python -m skmnist draw`, draws a 3 in Debian's chromium (packages
chromium and chromium-driver, and selenium), and writes docs/images/draw.png.
With --all DIR it also writes the page at 390 and 1280 pixels, light and dark.
"""

import argparse
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains

PATH = Path(__file__).parent / "images" / "draw.png"
SWITCHES = (
    "headless no-sandbox disable-gpu disable-quic no-first-run "
    "disable-background-networking disable-component-update disable-sync"
)


def main():
    """Serve, draw, photograph."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", type=Path, metavar="DIR")
    folder = parser.parse_args().all
    command = [sys.executable, "-m", "skmnist", "draw", "--no-browser", "--port", "0"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as profile,
    ):
        address = server.stdout.readline().split()[2]
        options = webdriver.ChromeOptions()
        for switch in [*SWITCHES.split(), f"user-data-dir={profile}"]:
            options.add_argument(f"--{switch}")
        options.binary_location = "/usr/bin/chromium"
        service = webdriver.ChromeService(executable_path="/usr/bin/chromedriver")
        with webdriver.Chrome(options=options, service=service) as browser:
            photograph(browser, address, 1280, 760, "light", PATH)
            for width, height in [(390, 844), (1280, 760)] if folder else []:
                for scheme in ("light", "dark"):
                    path = folder / f"{width}-{scheme}.png"
                    photograph(browser, address, width, height, scheme, path)
        server.terminate()


def photograph(browser, address, width, height, scheme, path):
    """Write the page with a 3 on it, as one file."""
    screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    look = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", look)
    browser.get(address)
    time.sleep(1)
    paper = browser.find_element("id", "paper")
    radius = paper.size["width"] / 6
    # Two arcs, from the upper left to the lower left.
    points = [
        (radius * (math.sin(a) - 0.3), radius * (middle - math.cos(a)))
        for middle in (-1, 1)
        for a in [math.pi * (k / 24 - 0.25 * (middle < 0)) for k in range(31)]
    ]
    actions = ActionChains(browser, duration=10)
    for i, (x, y) in enumerate(points):
        actions.move_to_element_with_offset(paper, round(x), round(y))
        if i == 0:
            actions.click_and_hold()
    actions.release().perform()
    time.sleep(1)
    browser.save_screenshot(path)


if __name__ == "__main__":
    main()
