"""``python -m benchmarks [NAME…] [--quick]``: measure and print Markdown."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys

from benchmarks.figures import Table, Unavailable

BENCHMARKS = {
    "start": "process start to first answered request, beside moto_server",
    "process_job": "a trivial job beside its script by hand",
    "many_jobs": "many trivial jobs at once",
    "simulated_jobs": "a thousand simulated jobs, by a running clock and by one that stands still",
    "two_days": "a job of 48 hours beside one of none, by a clock that stands still",
    "docker_job": "a trivial job beside docker run",
    "slurm_job": "a trivial job on a real cluster by ssh beside sbatch",
    "waiting_jobs": "processor time while many jobs wait in a real cluster's queue",
    "ssh_files": "a large file and many small ones by ssh, beside scp and tar",
    "worlds": "worlds made, reset, pictured, restored, removed",
    "gate": "a request with scenarios armed, and none, beside a server without any gate",
    "transfer": "upload and download beside nginx",
    "listings": "pages of jobs, systems, apps, files and metadata among few and among many",
}


def main() -> int:
    """Run the benchmarks named, or all; 1 when one could not be run."""
    names = "\n".join(f"  {name:<12} {text}" for name, text in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        epilog=f"benchmarks:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="one of the benchmarks below; all by default"
    )
    parser.add_argument(
        "--quick", action="store_true", help="few rounds, small amounts: does it work at all?"
    )
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}")
    print(_machine(chosen.quick), flush=True)
    missing = False
    for name in chosen.names or BENCHMARKS:
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            table: Table = module.run(quick=chosen.quick)
        except Unavailable as reason:
            missing = True
            print(f"\n### {name}\n\n**Not measured:** {reason}", flush=True)
        else:
            print(f"\n{table.markdown()}", flush=True)
    return int(missing)


def _machine(quick: bool) -> str:
    """What the figures were measured on, in general words."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    words = [
        f"{os.cpu_count()} cores",
        f"{memory:.0f} GiB of memory",
        _distribution(),
        f"Linux {platform.release().split('-')[0]}",
        f"Python {platform.python_version()}",
        f"load {os.getloadavg()[0]:.1f} at the start",
    ]
    return "Machine: " + ", ".join(words) + "." + (" **Quick run: the figures say little.**" if quick else "")


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


if __name__ == "__main__":
    sys.exit(main())
