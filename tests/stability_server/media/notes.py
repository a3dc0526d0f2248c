"""Makes `notes.mp3`, once, with an ffmpeg that has LAME: `python -m tests.stability_server.media.notes /path/to/ffmpeg`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.stability_server.media.tunes import PITCHES, played, to_wav

OPTIONS = ["-c:a", "libmp3lame", "-b:a", "32k", "-reservoir", "0", "-write_xing", "0", "-id3v2_version", "0", "-bitexact"]


def main() -> None:
    scale = to_wav(played(list(range(len(PITCHES))), 0.6 * len(PITCHES)))
    target = str(Path(__file__).with_name("notes.mp3"))
    subprocess.run([sys.argv[1], "-y", "-f", "wav", "-i", "pipe:0", *OPTIONS, target], input=scale, check=True)


if __name__ == "__main__":
    main()
