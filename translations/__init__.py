"""The Russian of everything: three catalogues, collected from the code they speak for.

`python -m translations` brings them up to date: new texts stand there empty, texts that
are gone are taken out, and the compiled files follow. A test says what is lacking.
"""
