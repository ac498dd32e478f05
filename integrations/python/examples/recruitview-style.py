"""
RecruitView's regressor: three experts that work in spaces of different curvature. A
point of the flat tangent space goes to the hyperbolic ball, the sphere or stays; an
expert moves it there; its answer comes back to the tangent space, where all three
are mixed by a softmax and read by a linear head.

Maps to and from each space are ordinary computation around the experts, so that the
mixture is a usual weighted sum. @round_trip goes to each space and back.

Source: RecruitView, A Multimodal Dataset for Predicting Personality and Interview
Performance; its cross-modal regression with manifold fusion. The maps are not
verified.
"""
import moec as moe

D, EDGE = 8, 1 - 1e-3

g = moe.Graph(__doc__)


def length(x):
    return moe.column(moe.map(lambda sum: moe.sqrt(sum + 1e-12),
                              moe.sum(moe.map(lambda x: x * x, x))))


def to_ball(v):
    return moe.map(lambda v, n: v * (moe.tanh(n) / n), v, length(v))


def from_ball(u):
    return moe.map(lambda u, n: u * (0.5 * moe.log((1 + n) / (1 - n)) / n), u, length(u))


def into_ball(u):
    return moe.map(lambda u, n: u * moe.minimum(EDGE / n, 1), u, length(u))


def to_sphere(v):
    """The pole is the last coordinate."""
    n = length(v)
    flat = moe.map(lambda v, n: v * (moe.sin(n) / n), v, n)
    return moe.concat([flat, moe.map(lambda n: moe.cos(n), n)])


def from_sphere(u):
    flat, pole = u[:, :D], u[:, D:D + 1]
    return moe.map(lambda u, n, c: u * (moe.atan2(n, c) / n), flat, length(flat), pole)


def onto_sphere(u):
    return moe.map(lambda u, n: u / n, u, length(u))


def linear(x, name):
    width = x.shape[1]
    return x @ g.parameter(f"{name}.w", [width, width]) + g.parameter(f"{name}.b", [width], std=0.1)


g.function("main")
x = g.input("x", ["T", D])
hyperbolic = from_ball(into_ball(linear(to_ball(x), "hyperbolic")))
spherical = from_sphere(onto_sphere(linear(to_sphere(x), "spherical")))
euclidean = linear(x, "euclidean")
w = moe.softmax(x @ g.parameter("router", [D, 3]))
mixed = moe.map(lambda w0, w1, w2, a, b, c: w0 * a + w1 * b + w2 * c,
                *(w[:, e:e + 1] for e in range(3)), hyperbolic, spherical, euclidean)
y = mixed @ g.parameter("head", [D, 5])
g.output(y=y, w=w)

g.function("round_trip")
x = g.input("x", ["T", D])
ball, sphere = from_ball(to_ball(x)), from_sphere(to_sphere(x))
g.output(ball=ball, sphere=sphere)
print(g.text(), end="")
