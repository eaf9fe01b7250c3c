"""What is no regular file is refused at once: a pipe would be waited for, a device has no end."""

import os
import socket
import threading

import pytest

from snellen.errors import ImageError
from snellen.images import as_image_batch, as_pixels, image_size, read_image

DOORS = [read_image, as_image_batch, as_pixels, image_size]


@pytest.fixture(params=["pipe", "device", "socket", "link to a pipe", "endless"])
def special(request, tmp_path):
    path = tmp_path / "x.png"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "link to a pipe":
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    elif request.param == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    else:
        path.symlink_to(os.devnull if request.param == "device" else "/dev/zero")
    return path


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", [str, os.fspath, lambda path: path])
def test_special_files_are_refused_at_once(door, kind, special):
    said = []

    def ask():
        with pytest.raises(ImageError, match=r"x\.png: is no regular file but a (pipe|dev|sock)"):
            door(kind(special))
        said.append(True)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(20)
    assert said, "still waiting for what is no regular file"
