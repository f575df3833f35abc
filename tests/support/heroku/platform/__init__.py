"""The Heroku emulator: world (what exists), platform (what is done), api (the HTTP face) and the machines."""
