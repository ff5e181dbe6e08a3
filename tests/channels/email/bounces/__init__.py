"""Reports of mail servers, invented from the forms in which servers write them."""
