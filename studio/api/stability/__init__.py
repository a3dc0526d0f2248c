"""The Stability REST API, v1, v2beta and the kept v2alpha names, answered by this studio (`studio/backends/stability/API.md`).

A program written for api.stability.ai works here with another host and key. What stands here of the contract knows neither database nor
web framework, and the stand-in of the provider that the tests run (`tests/stability_server/`) reads requests with it too:

contract   the two OpenAPI documents beside this file    multipart  bodies, as leniently as real clients need it
fields     text to values, problems in the contract's words    uploads  pictures and sounds, sniffed
rules      what one field says about another             v1_rules   the same of v1, with names of their own
messages   a request and its answer                      dialects   how v1 and v2beta word what went wrong, and hand out what was made
operations what is asked for, whichever address was used

The rest is the studio's: `views` (the way of a request), `engines` and `asks` (who answers, and values in the studio's words), `results`
(what a job came to; what is fetched later) and `resample`, `refusals` (why not), `account`, `older` (what the documents dropped), `edge`
(how large a body may be), `urls`.
"""
