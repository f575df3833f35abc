"""Serve a crowd: `python -m crowdserver`."""

import gc

if __name__ == "__main__":
    # Nearly all of a start is imports, whose objects stay: to look for garbage among them is a tenth of the
    # time. It is looked for again from when the server serves.
    gc.disable()
    from crowdserver.serve import main

    main()
