"""A small ``singularity`` (and ``apptainer``) for machines that have none: it runs images with what is there.

Not imported by the emulator: :mod:`emulator.runtimes.singularity_file` packs these modules into one file, which
is run as a program of its own by any Python from 3.9 on, with nothing but the standard library. Hence no module
here imports anything outside of this package.

The way of a call: ``command`` reads the command line (``options``), ``images`` finds out what the image is (``sif``,
``archives``, ``registry``) and has it unpacked once (``cache``), ``container`` decides what is seen inside
(``places``, ``variables``), and one of the ``backends`` starts it.
"""
