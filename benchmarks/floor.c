/* What straight compiled code does with the same formulas: the floor to measure against.
 * Built with -O3 -march=native -ffast-math, so that loops use vector exp, log and erfc. */
#include <math.h>
#include <stddef.h>

static const double INV_SQRT_2PI = 0.3989422804014327, ROOT_HALF = 0.7071067811865476;

/* All fourteen Greeks of n options; out holds fourteen rows of n. */
void greeks(size_t n, const double *restrict F, const double *restrict K,
            const double *restrict T, const double *restrict s, const double *restrict cp,
            double *restrict out)
{
    double *price = out, *delta = out + n, *rho = out + 2 * n, *vega = out + 3 * n;
    double *gamma = out + 4 * n, *speed = out + 5 * n, *volga = out + 6 * n, *zomma = out + 7 * n;
    double *vanna = out + 8 * n, *veta = out + 9 * n, *color = out + 10 * n;
    double *charm = out + 11 * n, *theta = out + 12 * n, *ultima = out + 13 * n;
#pragma GCC ivdep
    for (size_t i = 0; i < n; i++) {
        double root = sqrt(T[i]), v = s[i] * root;
        double d1 = log(F[i] / K[i]) / v + 0.5 * v, d2 = d1 - v, dd = d1 * d2;
        double n1 = INV_SQRT_2PI * exp(-0.5 * d1 * d1);
        double N1 = 0.5 * erfc(-cp[i] * d1 * ROOT_HALF), N2 = 0.5 * erfc(-cp[i] * d2 * ROOT_HALF);
        double by_iv = 1 / s[i], by_time = 0.5 / T[i];
        double g = n1 / (F[i] * v), w = F[i] * n1 * root;
        price[i] = cp[i] * (F[i] * N1 - K[i] * N2);
        delta[i] = cp[i] * N1;
        rho[i] = cp[i] * K[i] * T[i] * N2;
        vega[i] = w;
        gamma[i] = g;
        speed[i] = -g / F[i] * (d1 / v + 1);
        volga[i] = w * dd * by_iv;
        zomma[i] = g * (dd - 1) * by_iv;
        vanna[i] = -n1 * d2 * by_iv;
        veta[i] = -w * (1 + dd) * by_time;
        color[i] = g * (1 - dd) * by_time;
        charm[i] = n1 * d2 * by_time;
        theta[i] = -w * s[i] * by_time;
        ultima[i] = -w * by_iv * by_iv * (dd * (1 - dd) + d1 * d1 + d2 * d2);
    }
}

/* Net GEX at m log-moves: one exponential per option and level. c centre, a = -1/(2 v^2). */
void profile(size_t n, size_t m, const double *restrict c, const double *restrict a,
             const double *restrict w, const double *restrict x, double *restrict out)
{
    for (size_t j = 0; j < m; j++) {
        double sum = 0, at = x[j];
        for (size_t i = 0; i < n; i++) {
            double z = at - c[i];
            sum += w[i] * exp(a[i] * z * z);
        }
        out[j] = sum;
    }
}

/* The same by recurrence along the evenly spaced ladder: two products per option and level. */
void profile_recurrence(size_t n, size_t m, const double *restrict c, const double *restrict a,
                        const double *restrict w, double low, double step, double *restrict out)
{
    enum { RESTART = 32, LANES = 64 };
    double term[LANES], ratio[LANES], growth[LANES];
    for (size_t j = 0; j < m; j++)
        out[j] = 0;
    for (size_t first = 0; first < n; first += LANES) {
        size_t count = n - first < LANES ? n - first : LANES;
        for (size_t begin = 0; begin < m; begin += RESTART) {
            double at = low + begin * step;
            for (size_t k = 0; k < count; k++) {
                double z = at - c[first + k], b = a[first + k];
                term[k] = w[first + k] * exp(b * z * z);
                ratio[k] = exp(b * step * (2 * z + step));
                growth[k] = exp(2 * b * step * step);
            }
            size_t end = begin + RESTART < m ? begin + RESTART : m;
            for (size_t j = begin; j < end; j++) {
                double sum = 0;
                for (size_t k = 0; k < count; k++) {
                    sum += term[k];
                    term[k] *= ratio[k];
                    ratio[k] *= growth[k];
                }
                out[j] += sum;
            }
        }
    }
}
