import http.client
import io
import json
import shutil
import signal
import socket
import subprocess
import sys
import time

import joblib
import numpy as np
import pytest

from skmnist import LinearClassifier
from skmnist.__main__ import main
from skmnist.datasets import load_digits28
from skmnist.datasets._picture_conversion import read_picture

Image = pytest.importorskip("PIL.Image")
ImageDraw = pytest.importorskip("PIL.ImageDraw")
pytest.importorskip("starlette")
pytest.importorskip("uvicorn")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    X, y = load_digits28(return_X_y=True)
    path = tmp_path_factory.mktemp("draw") / "model.joblib"
    joblib.dump(LinearClassifier().fit(X, np.char.add("digit ", y.astype(str))), path)
    return path


def start(*arguments):
    command = [sys.executable, "-m", "skmnist", "draw", "--no-browser", *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen(command, text=True, **pipes)
    line = process.stdout.readline()
    return process, int(line.split("127.0.0.1:")[1].split("/")[0])


@pytest.fixture(scope="module")
def port(model):
    process, number = start(str(model), "--port", "0")
    yield number
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)


def ask(port, method="GET", path="/", body=None, host=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Host": host or f"127.0.0.1:{port}"}
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, response.read()


def png(blank=False, size=(560, 560)):
    picture = Image.new("RGB", size, "white")
    if not blank:
        ImageDraw.Draw(picture).line((280, 100, 280, 460), "black", 40)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def test_the_answer_is_what_the_model_sees_and_says(port, model):
    status, body = ask(port, "POST", "/look", png())
    answer = json.loads(body)
    image = read_picture(io.BytesIO(png()), (1, 28, 28))[0]
    assert status == 200
    np.testing.assert_array_equal(np.squeeze(answer["image"]), image[0])
    expected = joblib.load(model).predict_proba(image.reshape(1, -1))[0]
    np.testing.assert_allclose(answer["probabilities"], expected)
    assert json.loads(ask(port, path="/classes")[1])[3] == "digit 3"


def test_an_empty_canvas_is_no_error(port):
    status, body = ask(port, "POST", "/look", png(blank=True))
    assert (status, json.loads(body)["image"]) == (200, None)


@pytest.mark.parametrize(
    "body", [b"", b"nonsense", png()[:200], png(size=(4000, 4000))]
)
def test_a_bad_body_gets_400_and_a_sentence(port, body):
    status, answer = ask(port, "POST", "/look", body)
    assert status == 400
    assert json.loads(answer)["error"].endswith(".")


@pytest.mark.parametrize("as_chunks", [False, True])
def test_a_large_body_gets_413(port, as_chunks):
    body = bytes(2**20 + 1)
    assert ask(port, "POST", "/look", iter([body]) if as_chunks else body)[0] == 413


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1", "localhost:1"])
def test_other_hosts_are_refused(port, name):
    assert ask(port, host=name)[0] == 403
    assert ask(port, host=f"localhost:{port}")[0] == 200


def test_without_a_model_it_trains_one():
    process, port = start("--port", "0")
    assert json.loads(ask(port, path="/classes")[1]) == list("0123456789")
    probabilities = json.loads(ask(port, "POST", "/look", png())[1])["probabilities"]
    assert np.argmax(probabilities) == 1
    process.send_signal(signal.SIGINT)
    assert "20/20" in process.communicate(timeout=30)[1]


def test_a_port_in_use_is_one_sentence_before_any_training(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(SystemExit):
            main(["draw", "--no-browser", "--port", str(taken.getsockname()[1])])
    errors = capsys.readouterr().err
    assert errors.count("\n") == 1
    assert "Choose another with --port" in errors


def test_a_missing_library_names_the_extra(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(SystemExit):
        main(["draw", "--no-browser"])
    assert 'pip install "skmnist[draw]"' in capsys.readouterr().err


def test_ctrl_c_ends_it_quietly(model):
    process, _ = start(str(model), "--port", "0")
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, "")


@pytest.fixture
def browser(tmp_path):
    webdriver = pytest.importorskip("selenium.webdriver")
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("needs Debian's chromium and chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    switches = (
        "headless no-sandbox disable-gpu disable-quic no-first-run "
        "disable-background-networking disable-component-update disable-sync"
    )
    for switch in [*switches.split(), f"user-data-dir={tmp_path}"]:
        options.add_argument(f"--{switch}")
    service = webdriver.ChromeService(executable_path=driver)
    with webdriver.Chrome(options=options, service=service) as opened:
        yield opened


def stroke(browser, dx, dy):
    from selenium.webdriver.common.action_chains import ActionChains

    paper = browser.find_element("id", "paper")
    actions = ActionChains(browser).move_to_element_with_offset(
        paper, -dx // 2, -dy // 2
    )
    actions.click_and_hold().move_by_offset(dx, dy).release().perform()


def figures(browser, until):
    for _ in range(100):
        found = [s.text for s in browser.find_elements("css selector", "#bars li")]
        if until(found):
            return found
        time.sleep(0.1)
    raise AssertionError(found)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_follows_strokes_undo_and_clear(browser, port, width):
    screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    browser.get(f"http://127.0.0.1:{port}/")
    empty = figures(browser, lambda found: len(found) == 10)
    assert empty[3] == "digit 3"
    stroke(browser, 0, 200)
    one = figures(browser, lambda found: "%" in found[0])
    stroke(browser, 200, 0)
    two = figures(browser, lambda found: found != one)
    keys = browser.switch_to.active_element
    keys.send_keys("z")
    figures(browser, lambda found: found == one)
    keys.send_keys("c")
    figures(browser, lambda found: found == empty)
    assert two != one
    script = "return document.documentElement.scrollWidth"
    assert browser.execute_script(script) <= width
    assert browser.get_log("browser") == []
