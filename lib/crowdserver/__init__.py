"""A crowd server: the MTurk Requester API and a site where invited workers work."""
